/** Too much of what is allowed: output, messages, keys, calls, denied uses. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { AppName, type FaultError } from '@wafer/protocol';
import { afterAll, beforeAll, expect } from 'vitest';
import { Board, faultOf, TALK } from '../apps/harness.ts';
import { reactor } from './handmade.ts';
import { attack, freshApp, sending, Stage } from './stage.ts';

const MIB = 1024 * 1024;

let board: Board;
beforeAll(async () => {
  board = new Board(1);
  await board.install({ app: 'neighbour' });
}, 60_000);
afterAll(() => board.close());

/** The neighbour is called once before, once meanwhile and once after. */
async function beside<T>(attempt: () => Promise<T>): Promise<{ value: T; grew: number }> {
  const ask = () => board.ask('count', undefined, 'neighbour');
  expect(await ask()).toHaveProperty('count');
  const before = process.memoryUsage().rss;
  const [value, meanwhile] = await Promise.all([attempt(), ask()]);
  const grew = process.memoryUsage().rss - before;
  expect(meanwhile).toHaveProperty('count');
  expect(await ask()).toHaveProperty('count');
  return { value, grew };
}

const published = (app: string) => board.told.published.filter((one) => one.app === app);
const kindsOf = (app: string): Set<string> =>
  new Set(board.told.faults.filter((told) => told.app === app).map(({ fault }) => fault.kind));

attack('1 GB of stdout', async () => {
  const app = freshApp();
  const bytes = await reactor({
    handle: `(local $left i32) (local $out i32)
      (memory.fill (i32.const 4096) (i32.const 97) (i32.const 65536))
      (local.set $out (call $stdout))
      (local.set $left (i32.const 16384))
      (loop
        (drop (call $write (local.get $out) (i32.const 4096) (i32.const 65536)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if 0 (local.get $left)))`,
  });
  await board.install(
    { app, grants: { messaging: { publish: [], subscribe: ['#'] } }, limits: { deadlineMs: 30_000 } },
    bytes,
  );
  const { grew } = await beside(() => board.runtime.deliver(AppName.parse(app), 'x', new Uint8Array()));
  const logged = board.told.lines
    .filter((line) => line.app === app)
    .reduce((sum, { text }) => sum + text.length, 0);
  expect(logged).toBeGreaterThan(0);
  expect(logged).toBeLessThanOrEqual(65_536);
  expect(board.told.dropped).toBeGreaterThan((1024 * MIB - 65_536) / 4001);
  expect(grew).toBeLessThan(64 * MIB);
  await board.runtime.stop(AppName.parse(app));
  return `${logged} bytes are logged, the rest is counted and let go`;
});

attack('flood of messages', async () => {
  const app = freshApp();
  await board.install({ app, limits: { deadlineMs: 30_000 } });
  const { grew } = await beside(async () => {
    for (let time = 0; time < 8; time += 1) await board.deliver('flood', { times: 2000 }, app);
  });
  const sent = published(app).length;
  expect(sent).toBeGreaterThan(0);
  expect(sent).toBeLessThanOrEqual(8 * 257);
  expect(grew).toBeLessThan(64 * MIB);
  await board.runtime.stop(AppName.parse(app));
  return `${sent} of 16,000 went out`;
});

attack('a million keys', async () => {
  const app = freshApp();
  const grants = { ...TALK, keyvalue: [{ store: 'default', maxBytes: 512 }] };
  await board.install({ app, grants, limits: { deadlineMs: 3000 } });
  expect(await board.ask('kv-flood', { times: 300 }, app)).toMatchObject({ refused: expect.any(Number) });
  expect([...kindsOf(app)].some((kind) => kind === 'store-limit' || kind === 'disk')).toBe(true);
  await beside(() => faultOf(board.deliver('kv-flood', { times: 1_000_000 }, app)));
  expect(kindsOf(app)).toContain('deadline');
  const file = join(board.folder, 'stores', app, 'default.kv');
  expect(statSync(file).size).toBeLessThan(8 * 1024);
  await board.runtime.stop(AppName.parse(app));
  return `${[...kindsOf(app)].join(' and ')}: the store holds its 512 bytes`;
});

attack('flood of calls from outside', async () => {
  const app = freshApp();
  await board.install({ app, limits: { callsPerSecond: 10 } });
  const kinds: string[] = [];
  const { grew } = await beside(async () => {
    for (let call = 0; call < 20_000; call += 1) {
      board.deliver('count', undefined, app).catch((error: FaultError) => void kinds.push(error.fault.kind));
    }
    await board.ask('count', undefined, 'neighbour');
  });
  // Before it is stopped, which turns away those that wait.
  expect(kinds.length).toBeGreaterThan(18_000);
  expect(['queue-limit', 'deadline']).toContain(kinds[0]);
  expect(grew).toBeLessThan(128 * MIB);
  await board.runtime.stop(AppName.parse(app));
  return `${kinds[0]}: turned away when the queue is full`;
});

attack('flood of denied uses, each another', async () => {
  const stage = new Stage();
  try {
    const app = await stage.enter();
    const topics = Array.from({ length: 100 }, (_, index) => `denied/${index}`);
    const came = await stage.steps(app, ...sending(topics));
    expect(came.filter(({ error }) => error !== undefined)).toHaveLength(100);
    const told = stage.faultsOf(app);
    expect(told).toContain('capability-denied: messaging.publish denied/0');
    expect(told).toContain('capability-denied: others');
    expect(told.length).toBeLessThanOrEqual(17);
    return `${told.length} of 100 are told one by one`;
  } finally {
    await stage.close();
  }
});
