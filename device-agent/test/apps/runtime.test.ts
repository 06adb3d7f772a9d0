/** Isolation, deadlines, limits, worlds: each guest harms only itself. */
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AppName } from '@wafer/protocol';
import { command, FOREVER, reactor } from './components.ts';
import { Board, faultOf, PUPPET, specOf } from './harness.ts';

let board: Board;
beforeAll(async () => {
  board = new Board(1);
  await board.prepare();
}, 60_000);
afterAll(() => board.close());

const NEIGHBOUR = AppName.parse('neighbour');
const SMALL = AppName.parse('small');
beforeEach(async () => {
  for (const app of [PUPPET, NEIGHBOUR, SMALL]) await board.runtime.stop(app);
  board.forget();
});

const until = async (condition: () => boolean): Promise<void> => {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 500) throw new Error('it did not come about');
    await pause(10);
  }
};
const healthOf = (app: AppName) => board.runtime.health().find((one) => one.app === app);

describe('a guest that breaks its deadline', () => {
  it('is ended, while every call of its neighbour in the same isolate is answered', async () => {
    await board.install({ app: 'neighbour' });
    await board.install({ limits: { deadlineMs: 100 } });
    const before = await board.ask('count', undefined, 'neighbour');
    expect(before).toMatchObject({ count: 1 });

    const spinning = faultOf(board.deliver('spin'));
    const calls = Array.from({ length: 50 }, () => board.deliver('count', undefined, 'neighbour'));
    expect(await spinning).toMatchObject({ kind: 'deadline', subject: '100 ms' });
    await expect(Promise.all(calls)).resolves.toHaveLength(50);
    expect(board.told.faults).toMatchObject([{ app: 'puppet', fault: { kind: 'deadline' } }]);
    expect(healthOf(NEIGHBOUR)).toMatchObject({ calls: 51, faults: 0, state: 'running' });
  });

  it('is there again for its next call', async () => {
    await board.install({ limits: { deadlineMs: 100 } });
    const calls = [faultOf(board.deliver('spin')), board.ask('count')];
    expect(await calls[0]).toMatchObject({ kind: 'deadline' });
    expect(await calls[1]).toMatchObject({ count: 1 });
  });

  it('can not sleep past it', async () => {
    await board.install({ limits: { deadlineMs: 100 } });
    expect(await faultOf(board.deliver('sleep', { ms: 60_000 }))).toMatchObject({ kind: 'deadline' });
  });

  it('is ended in its start, its check, and in a core start function', async () => {
    const limits = { deadlineMs: 100 };
    expect(await faultOf(board.install({ limits, config: { start: 'spin' } }))).toMatchObject({
      kind: 'deadline',
    });
    expect(await faultOf(board.install({ limits, config: { check: 'spin' } }))).toMatchObject({
      kind: 'deadline',
    });
    const begins = await reactor({ begin: FOREVER });
    expect(await faultOf(board.install({ app: 'small', limits }, begins))).toMatchObject({
      kind: 'deadline',
    });
    expect(board.runtime.health()).toEqual([]);
    expect(board.told.faults).toEqual([]);
  });
});

describe('a guest that faults', () => {
  it('in one call is made anew for the next, and the fault quotes what it said', async () => {
    await board.install();
    await board.ask('count');
    const fault = await faultOf(board.deliver('recurse'));
    expect(fault).toMatchObject({ kind: 'trap', message: expect.stringContaining('wasm') });
    expect(await board.ask('count')).toMatchObject({ count: 1 });
    expect(board.told.faults).toHaveLength(1);
  });

  it('over its memory limit is told as that, and does not grow the host', async () => {
    await board.install({ limits: { memoryMiB: 16, deadlineMs: 10_000 } });
    const fault = await faultOf(board.deliver('grow'));
    expect(fault).toMatchObject({ kind: 'memory-limit', message: expect.stringContaining('out of memory') });
    expect(await board.ask('count')).toMatchObject({ count: 1 });
  });

  it('by answering an error stays as it is', async () => {
    await board.install();
    await board.ask('count');
    expect(await faultOf(board.deliver('throw', { text: 'no such thing' }))).toMatchObject({
      kind: 'trap',
      message: expect.stringContaining('other: no such thing'),
    });
    expect(await board.ask('count')).toMatchObject({ count: 2 });
  });

  it('again and again is left alone for a while, and calls are turned away', async () => {
    await board.install();
    for (let time = 0; time < 3; time += 1) await faultOf(board.deliver('exit', { status: 'ok' }));
    expect(await faultOf(board.deliver('count'))).toMatchObject({ kind: 'crash-loop' });
    expect(healthOf(PUPPET)).toMatchObject({ state: 'failed' });
    await until(() => healthOf(PUPPET)?.state === 'running');
    expect(await board.ask('count')).toMatchObject({ count: 1 });
  });

  it('by using what it was not granted is denied by name, in any version', async () => {
    const bytes = await reactor({ tick: '(drop (call $http (i32.const 1)))' });
    await board.install({ app: 'small', everyMs: 100 }, bytes);
    await until(() => board.told.faults.length > 0);
    expect(board.told.faults[0]).toMatchObject({
      app: 'small',
      fault: { kind: 'capability-denied', subject: 'wasi:http/types#http-error-code' },
    });
  });
});

describe('health', () => {
  it('counts calls, faults, memory and latency', async () => {
    const fresh = AppName.parse('fresh');
    await board.install({ app: 'fresh' });
    await board.ask('count', undefined, 'fresh');
    const first = healthOf(fresh)!;
    expect(first).toMatchObject({ version: '1.0.0', state: 'running', calls: 1, faults: 0 });
    expect(first.latencyMs!.p50).toBeGreaterThan(0);
    expect(first.latencyMs!.p99).toBeGreaterThanOrEqual(first.latencyMs!.p50);
    await board.deliver('hold', { mib: 4 }, 'fresh');
    expect(healthOf(fresh)!.memoryBytes).toBeGreaterThanOrEqual(first.memoryBytes + 4 * 1024 * 1024);
    expect(healthOf(fresh)).not.toHaveProperty('latencyMs');
    await board.runtime.stop(fresh);
  });

  it('of a guest that says no is a probe-failed fault with its words', async () => {
    await board.install();
    await board.runtime.probe(PUPPET);
    await faultOf(
      board.install({ version: '1.1.0', config: { check: 'refuse' }, health: { probeWithinMs: 50 } }),
    );
    await board.runtime.probe(PUPPET);
    expect(await faultOf(board.runtime.probe(NEIGHBOUR))).toMatchObject({ kind: 'unhealthy' });
  });
});

describe('calls', () => {
  it('beyond the rate wait their turn, and all are answered in order', async () => {
    await board.install({ limits: { callsPerSecond: 100 } });
    const started = performance.now();
    const answers = await Promise.all(Array.from({ length: 25 }, () => board.deliver('count')));
    expect(answers).toHaveLength(25);
    // 5 in advance, then 20 at 10 ms each; they can not be quicker.
    expect(performance.now() - started).toBeGreaterThan(150);
    const counts = board.told.published.map(
      ({ payload }) => (JSON.parse(payload) as { count: number }).count,
    );
    expect(counts).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
  });

  it('beyond what may wait are turned away, not kept', async () => {
    await board.install({ limits: { callsPerSecond: 1 } });
    const calls = Array.from({ length: 1100 }, () =>
      board.deliver('count').then(
        () => 'ok',
        () => 'turned away',
      ),
    );
    await pause(50);
    await board.runtime.stop(PUPPET);
    const turnedAway = (await Promise.all(calls)).filter((one) => one === 'turned away');
    expect(turnedAway.length).toBeGreaterThan(1000);
  });

  it('of the timer come at their interval', async () => {
    await board.install({ everyMs: 100 });
    const ticks = () => board.told.published.filter(({ topic }) => topic === 'out/tick');
    await until(() => ticks().length >= 3);
    expect(ticks()[2]!.payload).toBe('{"count":3}');
  });

  it('of a timer that fails are faults', async () => {
    await board.install({ everyMs: 100, config: { tick: 'refuse' } });
    await until(() => board.told.faults.length > 0);
    expect(board.told.faults[0]!.fault).toMatchObject({
      kind: 'trap',
      message: expect.stringContaining('no tick'),
    });
  });

  it('to an app that is not there are faults', async () => {
    expect(await faultOf(board.deliver('count'))).toMatchObject({ kind: 'unhealthy' });
    await board.runtime.stop(PUPPET);
  });
});

describe('what a release was not signed to export', () => {
  it('is never called, although the component has it', async () => {
    const exports = ['wafer:app/lifecycle@0.1.0'];
    await board.install({ exports, everyMs: 100, config: { check: 'refuse', tick: 'refuse' } });
    await board.runtime.probe(PUPPET);
    await pause(150);
    expect(board.told.faults).toEqual([]);
    expect(await faultOf(board.deliver('count'))).toMatchObject({ kind: 'incompatible' });
  });
});

describe('a command', () => {
  const run = async (wat: string, parts = {}) =>
    board.install({ app: 'small', world: 'command', ...parts }, await command(wat));

  it.each([
    ['returns', '(i32.const 0)'],
    ['exits with 0', '(call $exit (i32.const 0)) (unreachable)'],
  ])('that %s has succeeded and is stopped', async (_, wat) => {
    await run(wat);
    expect(healthOf(SMALL)).toMatchObject({ state: 'stopped', memoryBytes: 0 });
    await board.runtime.probe(SMALL);
  });

  it.each([
    ['answers an error', '(i32.const 1)', 'probe-failed'],
    ['exits with 1', '(call $exit (i32.const 1)) (unreachable)', 'probe-failed'],
    ['traps', '(unreachable)', 'trap'],
    ['does not end', `${FOREVER} (i32.const 0)`, 'deadline'],
  ])('that %s fails its installation', async (_, wat, kind) => {
    expect(await faultOf(run(wat, { limits: { deadlineMs: 100 } }))).toMatchObject({ kind });
    expect(healthOf(SMALL)).toBeUndefined();
  });

  it('runs again at its interval, and takes no messages', async () => {
    await run('(i32.const 0)', { everyMs: 100 });
    await until(() => (healthOf(SMALL)?.calls ?? 0) >= 2);
    const grants = { messaging: { publish: [], subscribe: ['#'] } };
    await run('(i32.const 0)', { grants });
    expect(await faultOf(board.runtime.deliver(SMALL, 'x', new Uint8Array()))).toMatchObject({
      kind: 'incompatible',
    });
  });
});

describe('a prepared component that was altered on disk', () => {
  it('is not run', async () => {
    const prepared = await board.prepare(await command('(nop) (i32.const 0)'));
    appendFileSync(`${prepared.folder}/component.js`, '//');
    const spec = specOf(prepared.digest, { app: 'small', world: 'command' });
    expect(await faultOf(board.runtime.swap(spec, prepared))).toMatchObject({ kind: 'prepare' });
  });
});
