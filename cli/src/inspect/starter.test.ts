import { Limits, refusals } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import type { Inspection } from '../publish/component.ts';
import { parseManifest } from '../publish/manifest.ts';
import { starterManifest } from './starter.ts';

const MIB = 1024 * 1024;
const EVERY_GRANT = [
  'wasi:cli/environment@0.2.12',
  'wasi:clocks/wall-clock@0.2.12',
  'wasi:filesystem/preopens@0.2.12',
  'wasi:messaging/producer@0.2.0-draft',
  'wasi:random/random@0.2.12',
];

const inspection = (imports: string[], exports = ['wafer:app/lifecycle@0.1.0']): Inspection => ({
  world: 'reactor',
  imports,
  exports,
});
const start = (guest: Inspection, startBytes = MIB, file = '/src/thermo-1.2.0.wasm') =>
  starterManifest(file, guest, { startBytes, maximumBytes: null });

describe('the manifest to start from', () => {
  it.each([[[]], [['wasi:clocks/wall-clock@0.2.12']], [['wasi:filesystem/preopens@0.2.12']], [EVERY_GRANT]])(
    'is one that publish takes, and admits the imports %j',
    (imports) => {
      const { app, world, grants } = parseManifest(start(inspection(imports)), 'wafer.yaml');
      expect({ app, world }).toEqual({ app: 'thermo', world: 'reactor' });
      expect(refusals(imports, grants)).toEqual([]);
    },
  );

  it('grants nothing that no import needs, and no power by example', () => {
    const { grants } = parseManifest(start(inspection(EVERY_GRANT)), 'wafer.yaml');
    expect(grants).toEqual({ clock: true, random: true, messaging: { publish: [], subscribe: [] } });
  });

  it('names the imports that need each grant beside it', () => {
    const text = start(inspection(['wasi:clocks/monotonic-clock@0.2.6', 'wasi:clocks/wall-clock@0.2.6']));
    expect(text).toMatch(
      /clock: true # .*clocks\/monotonic-clock@0\.2\.6, wasi:clocks\/wall-clock@0\.2\.6$/m,
    );
  });

  it('shows folders, variables and, for a guest that only listens, topics as examples that are valid once uncommented', () => {
    const imports = EVERY_GRANT.filter((name) => !name.startsWith('wasi:messaging/'));
    const handler = 'wasi:messaging/incoming-handler@0.2.0-draft';
    const text = start(inspection(imports, ['wafer:app/lifecycle@0.1.0', handler]));
    expect(parseManifest(text.replaceAll(/^ {2}# /gm, '  '), 'wafer.yaml').grants).toMatchObject({
      messaging: { subscribe: ['commands/#'] },
      filesystem: [{ guest: '/thermal', access: 'read' }],
      environment: { REGION: 'eu' },
    });
  });

  it('has one line for the topics of a guest that sends', () => {
    const text = start(inspection(['wasi:messaging/producer@0.2.0-draft']));
    expect(text.match(/messaging: \{/g)).toHaveLength(1);
    expect(text).toContain("such as publish: ['telemetry/#']");
  });

  it('grants requests and secrets to be filled in when they are imported', () => {
    const imports = ['wasi:http/outgoing-handler@0.2.12', 'wafer:app/secrets@0.1.0'];
    const { grants } = parseManifest(start(inspection(imports)), 'wafer.yaml');
    expect(refusals(imports, grants)).toEqual([]);
    expect(grants).toMatchObject({ http: [{ scheme: 'https', methods: ['GET'] }], secrets: ['api-key'] });
  });

  it.each([
    ['command' as const, ['everyMs', 'cron', 'keepRunning']],
    ['reactor' as const, ['everyMs', 'cron']],
  ])('shows each trigger of a %s, valid once uncommented', (world, expected) => {
    const guest = { ...inspection([], ['wafer:app/timer@0.1.0']), world };
    const examples = start(guest).match(/(?<=^# )triggers: .*$/gm) ?? [];
    const triggers = examples.map((line) => parseManifest(line, 'wafer.yaml').triggers);
    expect(triggers.map((each) => Object.keys(each)[0])).toEqual(expected);
  });

  it('names every other limit with its default', () => {
    const text = start(inspection([]));
    for (const [name, value] of Object.entries(Limits.parse({}))) expect(text).toContain(`${name}: ${value}`);
  });

  it('gives a guest that begins large room to grow, and no more than a limit may say', () => {
    const limit = (startBytes: number) =>
      parseManifest(start(inspection([]), startBytes), 'wafer.yaml').limits.memoryMiB;
    expect([1, 40 * MIB, 3000 * MIB].map(limit)).toEqual([32, 80, 2048]);
  });

  it('leaves the name to the person when the file has none for an app', () => {
    const text = start(inspection([]), MIB, '/src/1.0.0.wasm');
    expect(text).toContain('# app: my-app');
    expect(parseManifest(text, 'wafer.yaml').app).toBeUndefined();
  });
});
