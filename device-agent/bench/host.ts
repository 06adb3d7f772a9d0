/**
 * The app host as a process of its own, for benchmarks: one line of JSON in, one line out. It times what
 * the agent does with real guests, and what it would cost without warm isolates, in the same process.
 *
 *   {"do":"start","guest":"qjs"}        to the end of the first call, isolate and code warm
 *   {"do":"start-cold","guest":"qjs"}   the same from the prepared folder: read, check, compile
 *   {"do":"start-fresh","guest":"qjs"}  the same in a worker thread that is started for it
 *   {"do":"core-instance"}              one core instance with a memory, which nothing can beat
 *   {"do":"swap","callsPerSecond":1000,"isStateful":true}  one swap under load
 *   {"do":"swap-fresh"}                 the old worker thread ended, then a new one started
 *   {"do":"swap-process"}               the old process ended, then a new one started: to its first answer
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { componentNew } from '@bytecodealliance/jco-transpile/wasm-tools';
import { AppName, Digest, HealthRule, Limits, Version, type Grants } from '@wafer/protocol';
import { build } from 'esbuild';
import { z } from 'zod';
import { createRuntime } from '../src/apps/host.ts';
import { Images } from '../src/apps/images.ts';
import { Isolate } from '../src/apps/isolate.ts';
import { Outgoing } from '../src/apps/outgoing.ts';
import { nextGuest, type GuestCall, type Image } from '../src/apps/port.ts';
import type { AppSpec, Prepared } from '../src/apps/runtime.ts';

const Command = z.discriminatedUnion('do', [
  z.object({ do: z.literal('start'), guest: z.enum(['qjs', 'c']) }),
  z.object({ do: z.literal('start-cold'), guest: z.enum(['qjs', 'c']) }),
  z.object({ do: z.literal('start-fresh'), guest: z.enum(['qjs', 'c']) }),
  z.object({ do: z.literal('core-instance') }),
  z.object({ do: z.literal('swap'), callsPerSecond: z.number(), isStateful: z.boolean() }),
  z.object({ do: z.literal('swap-fresh') }),
  z.object({ do: z.literal('swap-process') }),
]);
type GuestName = 'qjs' | 'c';

const HERE = import.meta.dirname;
const APP = AppName.parse('bench');
const TOPIC = 'do/count';
const limits = Limits.parse({
  memoryMiB: 32,
  callsPerSecond: 100_000,
  queueLength: 1024,
  messagesPerMinute: 10_000_000,
  outgoingBytesPerMinute: 2 ** 40,
  deadlineMs: 5000,
});
const grants: Grants = {
  clock: true,
  random: true,
  messaging: { publish: ['out/#'], subscribe: ['do/#'] },
};

/** A preview 1 module becomes a component the way that publishing does it. */
async function componentOf(guest: GuestName): Promise<Uint8Array> {
  if (guest === 'qjs') return readFileSync(join(HERE, '../test/fixtures/puppet.wasm'));
  const jco = dirname(findPackageJSON('@bytecodealliance/jco', import.meta.url)!);
  const adapter = readFileSync(join(jco, 'lib/wasi_snapshot_preview1.command.wasm'));
  const core = readFileSync(join(HERE, '../../examples/hello-c/hello.wasm'));
  return componentNew(core, [['wasi_snapshot_preview1', adapter]]);
}

/** Without `state`: nothing is moved at a swap. */
const STATELESS = [
  'wafer:app/lifecycle@0.1.0',
  'wafer:app/health@0.1.0',
  'wasi:messaging/incoming-handler@0.2.0-draft',
];
const STATEFUL = [...STATELESS, 'wafer:app/state@0.1.0'];

const folder = mkdtempSync(join(tmpdir(), 'wafer-bench-'));
const nothing = (): void => undefined;
const events = { fault: nothing, publish: nothing, used: nothing, log: nothing };
const runtime = createRuntime({ folder, storesFolder: join(folder, 'stores'), isolates: 2, events });
const images = new Images(nothing);
const prepared = new Map<GuestName, Prepared>();
let release = 0;

async function preparedOf(guest: GuestName): Promise<Prepared> {
  const known = prepared.get(guest);
  if (known !== undefined) return known;
  const bytes = await componentOf(guest);
  const digest = Digest.parse(createHash('sha256').update(bytes).digest('hex'));
  const made = await runtime.prepare(digest, bytes, limits);
  prepared.set(guest, made);
  return { ...made, prepareMs: 0 };
}

function specOf(
  guest: GuestName,
  { digest }: Prepared,
  { memoryMiB = limits.memoryMiB, isStateful = false } = {},
): AppSpec {
  release += 1;
  return {
    app: APP,
    version: Version.parse(`1.${release}.0`),
    digest,
    world: guest === 'c' ? 'command' : 'reactor',
    exports: isStateful ? STATEFUL : STATELESS,
    grants,
    config: {},
    secrets: {},
    limits: { ...limits, memoryMiB },
    isolation: 'shared',
    triggers: {},
    health: HealthRule.parse({}),
  };
}

/** A command has had its only call when the swap is done. */
async function start(guest: GuestName, memoryMiB = limits.memoryMiB): Promise<{ ms: number }> {
  const from = await preparedOf(guest);
  const started = performance.now();
  await runtime.swap(specOf(guest, from, { memoryMiB }), from);
  if (guest === 'qjs') await runtime.deliver(APP, TOPIC, new Uint8Array());
  const ms = performance.now() - started;
  await runtime.stop(APP);
  return { ms };
}

const FIRST_CALLS: Record<GuestName, GuestCall[]> = {
  qjs: [{ name: 'start' }, { name: 'check' }, { name: 'handle', topic: TOPIC, payload: new Uint8Array() }],
  c: [{ name: 'run' }],
};

/** Boots a thread and brings a guest up in it, code already compiled. */
async function bringUp(guest: GuestName, image: Image): Promise<Isolate> {
  const isolate = new Isolate(nothing, nothing);
  const id = nextGuest();
  const create = {
    type: 'create',
    guest: id,
    image: image.key,
    grants,
    config: {},
    secrets: {},
    logBytesPerMinute: 0,
    allowance: new Outgoing().allowance(limits, 0),
    first: undefined,
    lines: { stores: undefined, http: undefined, board: undefined },
  } as const;
  await isolate.run(create, image, limits.deadlineMs);
  for (const call of FIRST_CALLS[guest]) {
    const end = await isolate.run({ type: 'call', guest: id, call }, image, limits.deadlineMs);
    const isFine = end.type === 'done' && ['returned', 'exit'].includes(end.outcome.status);
    if (!isFine) throw new Error(`${call.name} failed`);
  }
  return isolate;
}

async function startFresh(guest: GuestName): Promise<{ ms: number }> {
  const image = await images.acquire(await preparedOf(guest), limits);
  const started = performance.now();
  const isolate = await bringUp(guest, image);
  const ms = performance.now() - started;
  await isolate.end();
  return { ms };
}

/** Its gap is from the end of the old thread to the first answer of the new one. */
async function swapFresh(): Promise<{ gapMs: number; startToServingMs: number }> {
  const image = await images.acquire(await preparedOf('qjs'), limits);
  const old = await bringUp('qjs', image);
  const started = performance.now();
  await old.end();
  const isolate = await bringUp('qjs', image);
  const ms = performance.now() - started;
  await isolate.end();
  return { gapMs: ms, startToServingMs: ms };
}

/** In one file, so that the peer's start is not spent on stripping types. */
async function oneGuest(): Promise<string> {
  const outfile = join(folder, 'one-guest.cjs');
  const entryPoints = [join(HERE, 'one-guest.ts')];
  if (!existsSync(outfile)) await build({ entryPoints, outfile, bundle: true, platform: 'node' });
  return outfile;
}

/** The guest in a process of its own; resolves when it has answered its first call. */
async function startProcess(component: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [await oneGuest(), component], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error('the process of the guest ended');
  });
  await Promise.race([once(child, 'message'), ended]);
  return child;
}

/** As swapFresh, with a process for each release. */
async function swapProcess(component: string): Promise<{ gapMs: number; startToServingMs: number }> {
  const end = async (child: ChildProcess): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  const old = await startProcess(component);
  const started = performance.now();
  await end(old);
  const fresh = await startProcess(component);
  const ms = performance.now() - started;
  await end(fresh);
  return { gapMs: ms, startToServingMs: ms };
}

/** (module (memory 1) (func (export "f"))) */
const CORE = Uint8Array.from(
  '0061736d010000000104016000000302010005030100010705010166000 00a040102000b'
    .replaceAll(' ', '')
    .match(/../g)!,
  (byte) => parseInt(byte, 16),
);

function coreInstance(): { us: number } {
  const module = new WebAssembly.Module(CORE);
  const count = 200;
  const started = performance.now();
  for (let index = 0; index < count; index += 1) {
    const { f } = new WebAssembly.Instance(module).exports as { f: () => void };
    f();
  }
  return { us: ((performance.now() - started) * 1000) / count };
}

/** Calls at a steady rate; `end` answers how many there were and how many got no answer. */
function load(callsPerSecond: number) {
  const began = performance.now();
  const calls: Promise<boolean>[] = [];
  const pace = setInterval(() => {
    const due = ((performance.now() - began) * callsPerSecond) / 1000;
    while (calls.length < due) {
      const call = runtime.deliver(APP, TOPIC, new Uint8Array());
      calls.push(
        call.then(
          () => true,
          () => false,
        ),
      );
    }
  }, 1);
  return async () => {
    clearInterval(pace);
    const answers = await Promise.all(calls);
    return { calls: answers.length, lost: answers.filter((isAnswered) => !isAnswered).length };
  };
}

async function swapUnderLoad(callsPerSecond: number, isStateful: boolean) {
  const from = await preparedOf('qjs');
  const spec = specOf('qjs', from, { isStateful });
  await runtime.stop(APP);
  await runtime.swap(specOf('qjs', from, { isStateful }), from);
  const end = load(callsPerSecond);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const started = performance.now();
  const figures = await runtime.swap(spec, from);
  const startToServingMs = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { calls, lost } = await end();
  await runtime.settle(APP);
  return { gapMs: figures.gapMs, startToServingMs, calls, lostCalls: Math.max(lost, figures.lostCalls) };
}

async function answer(line: string): Promise<object> {
  const command = Command.parse(JSON.parse(line));
  switch (command.do) {
    case 'start':
      return start(command.guest);
    case 'start-cold':
      // Code is compiled for a limit, so a limit that was never used is code that was never compiled.
      return start(command.guest, limits.memoryMiB + 1 + release);
    case 'start-fresh':
      return startFresh(command.guest);
    case 'core-instance':
      return coreInstance();
    case 'swap':
      return swapUnderLoad(command.callsPerSecond, command.isStateful);
    case 'swap-fresh':
      return swapFresh();
    case 'swap-process':
      return swapProcess((await preparedOf('qjs')).folder);
  }
}

try {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
  }
} finally {
  await runtime.close();
  rmSync(folder, { recursive: true, force: true });
}
