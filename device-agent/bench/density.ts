/**
 * Many instances of one small component in a process of its own, each called once a second. Argument:
 * {"kind":"ours","count":5000}. Kinds: `ours`, apps of the app host; `worker`, a worker thread for each
 * instance; `core`, bare instances of the component's core module in one thread.
 *
 * Says one line of JSON once it has run for a while, and ends with its standard input:
 * {"residentMb", "cpuShare" of one core, "calls" in the time, "seconds", "faults"}.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppName, Digest, HealthRule, Limits, Triggers, Version } from '@wafer/protocol';
import { z } from 'zod';
import { createRuntime } from '../src/apps/host.ts';
import { Images } from '../src/apps/images.ts';
import { Isolate } from '../src/apps/isolate.ts';
import { Outgoing } from '../src/apps/outgoing.ts';
import { nextGuest, type Image } from '../src/apps/port.ts';
import type { Prepared } from '../src/apps/runtime.ts';

const { kind, count } = z
  .object({ kind: z.enum(['ours', 'worker', 'core']), count: z.number().int().min(1) })
  .parse(JSON.parse(process.argv[2]!));

const EVERY_MS = 1000;
/** Until each has been called a few times, and the engine has tidied up. */
const SETTLE_MS = 4000;
const MEASURED_MS = 5000;

const limits = Limits.parse({ memoryMiB: 1, deadlineMs: 5000 });
const exported = ['wafer:app/lifecycle@0.1.0', 'wafer:app/timer@0.1.0'];
const nothing = (): void => undefined;
let faults = 0;

const folder = mkdtempSync(join(tmpdir(), 'wafer-density-'));
const runtime = createRuntime({
  folder,
  storesFolder: join(folder, 'stores'),
  isolates: 2,
  events: { fault: () => void (faults += 1), publish: nothing, used: nothing, log: nothing },
});

async function prepare(): Promise<Prepared> {
  const bytes = readFileSync(join(import.meta.dirname, 'pulse/pulse.wasm'));
  const digest = Digest.parse(createHash('sha256').update(bytes).digest('hex'));
  return runtime.prepare(digest, bytes, limits);
}

/** Answers how many calls there have been so far. */
async function startOurs(prepared: Prepared): Promise<() => number> {
  for (let index = 0; index < count; index += 1) {
    const spec = {
      app: AppName.parse(`pulse-${index}`),
      version: Version.parse('1.0.0'),
      digest: prepared.digest,
      world: 'reactor' as const,
      exports: exported,
      grants: {},
      config: {},
      secrets: {},
      limits,
      isolation: 'shared' as const,
      triggers: Triggers.parse({ everyMs: EVERY_MS }),
      health: HealthRule.parse({}),
    };
    await runtime.swap(spec, prepared);
  }
  return () => runtime.health().reduce((sum, { calls }) => sum + calls, 0);
}

async function startWorker(image: Image, onCall: () => void): Promise<void> {
  const isolate = new Isolate(nothing, nothing);
  const guest = nextGuest();
  const create = {
    type: 'create',
    guest,
    image: image.key,
    grants: {},
    config: {},
    secrets: {},
    logBytesPerMinute: 0,
    allowance: new Outgoing().allowance(limits, 0),
    first: 'start',
    lines: { stores: undefined, http: undefined, board: undefined },
  } as const;
  await isolate.run(create, image, limits.deadlineMs);
  const tick = async (): Promise<void> => {
    onCall();
    const end = await isolate.run({ type: 'call', guest, call: { name: 'tick' } }, image, limits.deadlineMs);
    if (end.type !== 'done' || end.outcome.status !== 'returned') faults += 1;
  };
  setInterval(() => void tick(), EVERY_MS);
}

async function startWorkers(image: Image): Promise<() => number> {
  let calls = 0;
  for (let index = 0; index < count; index += 1) await startWorker(image, () => void (calls += 1));
  return () => calls;
}

/** The component's core module with the guest's own functions is its first. */
async function startCores({ modules }: Image): Promise<() => number> {
  const [{ module }] = modules as [Image['modules'][number]];
  let calls = 0;
  for (let index = 0; index < count; index += 1) {
    const { exports } = new WebAssembly.Instance(module);
    const tick = exports['wafer:app/timer@0.1.0#tick'] as () => number;
    setInterval(() => {
      calls += 1;
      tick();
    }, EVERY_MS);
    // Spread over the second, as instances that are started one after the other are.
    if (index % 50 === 0) await sleep(5);
  }
  return () => calls;
}

async function start(): Promise<() => number> {
  const prepared = await prepare();
  if (kind === 'ours') return startOurs(prepared);
  const image = await new Images(nothing).acquire(prepared, limits);
  return kind === 'worker' ? startWorkers(image) : startCores(image);
}

const callsSoFar = await start();
await sleep(SETTLE_MS);
const before = { calls: callsSoFar(), cpu: process.cpuUsage(), at: performance.now() };
await sleep(MEASURED_MS);
const seconds = (performance.now() - before.at) / 1000;
const { user, system } = process.cpuUsage(before.cpu);
process.stdout.write(
  `${JSON.stringify({
    residentMb: process.memoryUsage.rss() / 1024 / 1024,
    cpuShare: (user + system) / 1e6 / seconds,
    calls: callsSoFar() - before.calls,
    seconds,
    faults,
  })}\n`,
);
process.stdin.resume().on('end', () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
