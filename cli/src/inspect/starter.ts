/**
 * The manifest to start from: exactly the grants without which the imports would refuse the component,
 * each with the imports that need it. What a guest may be given beyond that (which folders, which topics)
 * nobody can read from its bytes: that stands as an example, commented out.
 */
import { AppName, type Capability, Limits, refusals, type World } from '@wafer/protocol';
import { basename, extname } from 'node:path';
import type { Inspection } from '../publish/component.ts';
import type { MemoryVerdict } from './memory.ts';

const MIB = 1024 * 1024;
/** A guest that begins large gets room to grow as much again. */
const ROOM = 2;
/** The most that `Limits` takes: all that 32-bit linear memory is good for on a board. */
const LARGEST_MIB = 2048;

/** What admits the imports and gives as little as that. */
export const LEAST: Readonly<Record<Capability, string>> = {
  clock: 'clock: true',
  random: 'random: true',
  http: 'http: [{ host: api.example.org, methods: [GET] }]',
  secrets: 'secrets: [api-key]',
  messaging: 'messaging: { publish: [], subscribe: [] }',
  keyvalue: 'keyvalue: [{ store: default, maxBytes: 65536 }]',
  gpio: 'gpio: [{ chip: 0, line: 17, direction: out, label: led }]',
  i2c: 'i2c: [{ bus: 1, address: 0x48, access: read }]',
  serial: 'serial: [{ device: /dev/ttyUSB0, baud: 9600 }]',
  sensors: 'sensors: [{ kind: iio, device: iio:device0 }]',
};

/** Where the least is a place to fill in. */
const TO_FILL_IN: Partial<Readonly<Record<Capability, string>>> = {
  http: 'its own hosts; ',
  secrets: 'its own names; ',
  gpio: "this board's own lines; ",
  i2c: "this board's own bus and address; ",
  serial: "this board's own port; ",
  sensors: "this board's own sensors; ",
  messaging: "its own topics, such as publish: ['telemetry/#'], subscribe: ['commands/#']; ",
};

/** Text of a wafer.yaml that `wafer publish` takes. */
export function starterManifest(
  file: string,
  { imports, exports, world }: Inspection,
  memory: MemoryVerdict,
) {
  const app = AppName.safeParse(nameOf(file));
  const needed = Map.groupBy(
    refusals(imports, {}).filter(({ grant }) => grant !== undefined),
    ({ grant }) => grant as Capability,
  );
  const grants = [...needed].map(
    ([grant, because]) =>
      `  ${LEAST[grant]} # ${TO_FILL_IN[grant] ?? ''}needed by ${because.map(({ import: name }) => name).join(', ')}`,
  );
  const examples = exampleGrants(imports, exports).map((line) => `  # ${line}`);
  return [
    '# What the app asks for: `wafer publish` signs it into the release; a board may still give less.',
    app.success ? `app: ${app.data}` : '# app: my-app',
    `world: ${world}`,
    // A block of nothing but comments would be a null, which grants are not.
    grants.length === 0 ? 'grants: {} # nothing that it imports needs one' : 'grants:',
    ...grants,
    ...examples,
    ...limitLines(memory),
    ...exampleTriggers(world, exports),
    '',
  ].join('\n');
}

/** `thermo` for `/src/Thermo-1.1.0.wasm`. */
export const nameOf = (file: string): string =>
  basename(file, extname(file))
    .toLowerCase()
    .replace(/-?v?\d+\.\d+\.\d+.*$/, '');

function exampleGrants(imports: readonly string[], exports: readonly string[]): string[] {
  const asksFor = (name: string): string | undefined => imports.find((each) => each.startsWith(`${name}@`));
  const handler = exports.find((each) => each.startsWith('wasi:messaging/incoming-handler@'));
  const producer = asksFor('wasi:messaging/producer');
  const preopens = asksFor('wasi:filesystem/preopens');
  const environment = asksFor('wasi:cli/environment');
  return [
    // A guest that sends has the line for topics already.
    ...(producer !== undefined || handler === undefined
      ? []
      : [`messaging: { subscribe: ['commands/#'] } # topics for ${handler}`]),
    ...(preopens === undefined
      ? []
      : [
          `filesystem: [{ host: /sys/devices/virtual/thermal, guest: /thermal, access: read }] # folders for ${preopens}`,
        ]),
    ...(environment === undefined ? [] : [`environment: { REGION: eu } # variables for ${environment}`]),
  ];
}

function limitLines(memory: MemoryVerdict): string[] {
  const { memoryMiB: usual, ...others } = Limits.parse({});
  const defaults = Object.entries(others).map(([name, value]) => `${name}: ${value}`);
  const more = `# other limits, with what they are unless you say: ${defaults.join(', ')}`;
  if ('refused' in memory) return [`limits: { memoryMiB: ${usual} }`, more];
  const start = memory.startBytes / MIB;
  const memoryMiB = Math.min(Math.max(usual, Math.ceil(start * ROOM)), LARGEST_MIB);
  return [`limits: { memoryMiB: ${memoryMiB} } # it begins with ${start.toFixed(1)} MiB`, more];
}

function exampleTriggers(world: World, exports: readonly string[]): string[] {
  const cron = "# triggers: { cron: '0 6 * * *', timeZone: Europe/Vienna } # or at these times";
  if (world === 'command')
    return [
      '# triggers: { everyMs: 60000 } # runs again so often; without triggers, once',
      cron,
      '# triggers: { keepRunning: true } # or as a service: no deadline, run again when it ends',
    ];
  return exports.some((name) => name.startsWith('wafer:app/timer@'))
    ? ['# triggers: { everyMs: 1000 } # without triggers, timer.tick is never called', cron]
    : [];
}
