/**
 * A message of 100 bytes into the C reactor and its reply of 100 bytes out, as a process of its own for
 * the benchmark `call`. Each command answers the median of many calls, in microseconds.
 *
 *   {"do":"isolate"}      through the app host: main thread → isolate → main thread
 *   {"do":"component"}    the same guest code and capabilities on one thread, without the hop
 *   {"do":"core"}         the guest's core module alone, its imports copying bytes and nothing else
 *   {"do":"bare-worker"}  a worker thread that sends the bytes back, and holds no guest
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { compileImage } from '../src/apps/code.ts';
import { Guest } from '../src/apps/guest.ts';
import { Images } from '../src/apps/images.ts';
import { Outgoing } from '../src/apps/outgoing.ts';
import { nextGuest } from '../src/apps/port.ts';
import { BenchBoard, GRANTS, TOPIC } from './board.ts';
import { serve } from './serve.ts';

const Command = z.strictObject({ do: z.enum(['isolate', 'component', 'core', 'bare-worker']) });

const CALLS = 500;
const APP = 'echo';
const PAYLOAD = Uint8Array.from({ length: 100 }, (_, index) => index);

const board = new BenchBoard();
const component = readFileSync(join(import.meta.dirname, '../../examples/echo-c/echo.wasm'));
const prepared = await board.install(APP, component);

function check(reply: Uint8Array | undefined): void {
  if (reply === undefined || Buffer.compare(reply, PAYLOAD) !== 0)
    throw new Error('the reply is not the message');
}

/** Median of single calls; `limit` calls would be too short to be timed one by one. */
function medianUs(durations: number[]): { us: number } {
  return { us: durations.toSorted((a, b) => a - b)[durations.length >> 1]! * 1000 };
}

async function throughIsolate(): Promise<{ us: number }> {
  const durations: number[] = [];
  for (let count = 0; count < CALLS; count += 1) {
    const started = performance.now();
    const reply = await board.call(APP, PAYLOAD);
    durations.push(performance.now() - started);
    check(reply);
  }
  return medianUs(durations);
}

/** Made as the isolate makes it; what it posts is kept. */
async function openComponent() {
  const image = await new Images(() => undefined).acquire(prepared, board.limits);
  let reply: Uint8Array | undefined;
  const spec = {
    type: 'create',
    guest: nextGuest(),
    image: image.key,
    grants: GRANTS,
    config: {},
    secrets: {},
    logBytesPerMinute: 0,
    allowance: new Outgoing().allowance(board.limits, 0),
    first: undefined,
    lines: { stores: undefined, http: undefined, board: undefined },
  } as const;
  const guest = new Guest(spec, (message) => {
    if (message.type === 'publish') reply = message.payload;
  });
  guest.instantiate(compileImage(image), () => undefined);
  guest.call({ name: 'start' });
  const call = (): void => {
    reply = undefined;
    guest.call({ name: 'handle', topic: TOPIC, payload: PAYLOAD });
    check(reply);
  };
  return { call, core: image.modules[0]!.module };
}

/** Imports that do what the canonical ABI asks for, for this guest only. */
function openCore(module: WebAssembly.Module): () => void {
  let memory = new Uint8Array();
  let allocate: (...args: number[]) => number = () => 0;
  let reply: Uint8Array | undefined;
  const instance = new WebAssembly.Instance(module, {
    'wasi:messaging/types@0.2.0-draft': {
      '[static]client.connect': (_: number, __: number, at: number) => memory.fill(0, at, at + 16),
      '[constructor]message': (at: number, length: number) => {
        reply = memory.slice(at, at + length);
        return 1;
      },
      '[method]message.data': (_: number, at: number) => {
        const bytes = allocate(0, 0, 1, PAYLOAD.length);
        memory.set(PAYLOAD, bytes);
        new Uint32Array(memory.buffer, at, 2).set([bytes, PAYLOAD.length]);
      },
      '[resource-drop]message': () => undefined,
    },
    'wasi:messaging/producer@0.2.0-draft': {
      send: (_: number, __: number, ___: number, ____: number, at: number) => void (memory[at] = 0),
    },
  });
  const exported = instance.exports as Record<string, (...args: number[]) => number>;
  memory = new Uint8Array((instance.exports['memory'] as WebAssembly.Memory).buffer);
  allocate = exported['cabi_realloc']!;
  exported['wafer:app/lifecycle@0.1.0#start']!();
  const handle = exported['wasi:messaging/incoming-handler@0.2.0-draft#handle']!;
  return () => {
    reply = undefined;
    handle(1);
    check(reply);
  };
}

/** Calls of a few microseconds are timed in tens. */
function inTens(call: () => void): { us: number } {
  const durations: number[] = [];
  for (let count = 0; count < CALLS; count += 1) {
    const started = performance.now();
    for (let index = 0; index < 10; index += 1) call();
    durations.push((performance.now() - started) / 10);
  }
  return medianUs(durations);
}

const bare = new Worker(
  `const { parentPort } = require('node:worker_threads');
   parentPort.on('message', (bytes) => parentPort.postMessage(bytes));`,
  { eval: true },
);

async function throughBareWorker(): Promise<{ us: number }> {
  const durations: number[] = [];
  for (let count = 0; count < CALLS; count += 1) {
    const started = performance.now();
    const answered = once(bare, 'message');
    bare.postMessage(PAYLOAD, []);
    const [reply] = (await answered) as [Uint8Array];
    durations.push(performance.now() - started);
    check(reply);
  }
  return medianUs(durations);
}

const { call: callComponent, core } = await openComponent();
const callCore = openCore(core);

async function answer(command: unknown): Promise<object> {
  switch (Command.parse(command).do) {
    case 'isolate':
      return throughIsolate();
    case 'component':
      return inTens(callComponent);
    case 'core':
      return inTens(callCore);
    case 'bare-worker':
      return throughBareWorker();
  }
}

await serve(answer, async () => {
  await bare.terminate();
  await board.close();
});
