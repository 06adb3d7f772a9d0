/** One release replaced by the next while calls come in. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Board, faultOf, PUPPET, specOf, type SpecParts } from './harness.ts';

let board: Board;
beforeAll(async () => {
  board = new Board(2);
  await board.prepare();
}, 60_000);
afterAll(() => board.close());
beforeEach(async () => {
  await board.runtime.stop(PUPPET);
  board.forget();
});

interface Counted {
  readonly count: number;
  readonly release: string | null;
}

const counted = (): Counted[] =>
  board.told.published
    .filter(({ topic }) => topic === 'out/count')
    .map(({ payload }) => JSON.parse(payload) as Counted);

/** Which release answered, in order, each mentioned once for as long as it lasted. */
const releasesOf = (list: readonly Counted[]): (string | null)[] =>
  list.map(({ release }) => release).filter((release, index, all) => release !== all[index - 1]);

/** Calls every few milliseconds, beginning now; `end` answers how each one ended. */
function stream() {
  const calls: Promise<string>[] = [];
  const call = (): void => void calls.push(board.deliver('count').then(() => 'answered', String));
  call();
  const timer = setInterval(call, 2);
  return {
    end: async () => {
      clearInterval(timer);
      return Promise.all(calls);
    },
  };
}

const install = (release: string, parts: SpecParts = {}) =>
  board.install({ version: release, ...parts, config: { release, ...parts.config } });

describe('a swap under a stream of calls', () => {
  it('answers every call, by the old release until the switch and by the new one after', async () => {
    await install('1.0.0');
    const calls = stream();
    await pause(50);
    const figures = await install('2.0.0');
    await pause(50);
    const ended = await calls.end();

    expect(new Set(ended)).toEqual(new Set(['answered']));
    expect(ended.length).toBeGreaterThan(20);
    expect(figures.lostCalls).toBe(0);
    expect(figures.startMs).toBeGreaterThan(0);
    const answers = counted();
    expect(answers).toHaveLength(ended.length);
    expect(releasesOf(answers)).toEqual(['1.0.0', '2.0.0']);
  });

  it('carries state over without losing a single step', async () => {
    await install('1.0.0');
    const calls = stream();
    await pause(50);
    await install('2.0.0');
    await pause(50);
    await calls.end();
    const counts = counted().map(({ count }) => count);
    expect(counts).toEqual(Array.from({ length: counts.length }, (_, index) => index + 1));
  });

  it('moves what waits for the old release to the new one, in order', async () => {
    await install('1.0.0', { limits: { callsPerSecond: 100 } });
    const waiting = Array.from({ length: 40 }, () => board.deliver('count'));
    const figures = await install('2.0.0');
    await Promise.all(waiting);
    expect(figures.lostCalls).toBe(0);
    expect(releasesOf(counted())).toEqual(['1.0.0', '2.0.0']);
    expect(counted().map(({ count }) => count)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  });

  it('tells its stages, and what it cost', async () => {
    const prepared = await board.prepare();
    const stages: string[] = [];
    const figures = await board.runtime.swap(specOf(prepared.digest), prepared, (stage) =>
      stages.push(stage),
    );
    expect(stages).toEqual(['starting', 'probing']);
    expect(figures).toMatchObject({ prepareMs: 0, gapMs: 0, lostCalls: 0 });
  });

  it('waits for a probe that says yes late', async () => {
    const figures = await install('1.0.0', { config: { check: 'late' } });
    expect(figures.probeMs).toBeGreaterThanOrEqual(100);
    expect(await board.ask('count')).toMatchObject({ release: '1.0.0' });
  });
});

describe('a candidate that', () => {
  const failures: [string, SpecParts, string, string][] = [
    ['refuses to start', { config: { start: 'refuse' } }, 'trap', 'not today'],
    [
      'does not finish its start',
      { config: { start: 'spin' }, limits: { deadlineMs: 100 } },
      'deadline',
      '100 ms',
    ],
    [
      'says no to its probe',
      { config: { check: 'refuse' }, health: { probeWithinMs: 100 } },
      'probe-failed',
      'feeling bad',
    ],
    ['hangs in its probe', { config: { check: 'spin' }, limits: { deadlineMs: 100 } }, 'deadline', '100 ms'],
    ['can not read the state', { config: { restore: 'refuse' } }, 'trap', 'cannot read this'],
    ['needs more memory than it may have', { limits: { memoryMiB: 1 } }, 'memory-limit', '1 MiB'],
  ];
  it.each(failures)(
    '%s leaves the old release serving, and no call is lost',
    async (_, parts, kind, says) => {
      await install('1.0.0');
      await board.ask('count');
      const calls = stream();
      const fault = await faultOf(install('2.0.0', parts));
      expect(fault.kind).toBe(kind);
      expect(fault.message).toContain(says);
      await pause(20);
      expect(new Set(await calls.end())).toEqual(new Set(['answered']));
      expect(releasesOf(counted())).toEqual(['1.0.0']);
      expect(board.told.faults).toEqual([]);
      expect(board.runtime.health()).toMatchObject([{ version: '1.0.0', state: 'running' }]);
    },
  );
});

describe('after a swap', () => {
  it('a rollback brings the previous instance back, as it was, and loses no call', async () => {
    await install('1.0.0', { config: { restore: 'refuse' } });
    await board.ask('count');
    await install('2.0.0');
    const calls = stream();
    await pause(20);
    const figures = await board.runtime.rollback(PUPPET);
    await pause(20);
    expect(new Set(await calls.end())).toEqual(new Set(['answered']));
    expect(figures).toMatchObject({ prepareMs: 0, lostCalls: 0 });
    const answers = counted().map(({ release }) => release);
    const firstBack = answers.indexOf('1.0.0', answers.indexOf('2.0.0'));
    expect(answers.slice(0, firstBack)).toContain('2.0.0');
    // The call that the failed release was in may end beside the first of the one that is back: it drains.
    expect(answers.slice(firstBack).filter((release) => release === '2.0.0').length).toBeLessThanOrEqual(1);
    expect(answers.at(-1)).toBe('1.0.0');
    expect(board.runtime.health()).toMatchObject([{ version: '1.0.0', state: 'running' }]);
  });

  it('a rollback works while the new release fails again and again', async () => {
    await install('1.0.0');
    await install('2.0.0');
    for (let time = 0; time < 4; time += 1) await faultOf(board.deliver('exit', { status: 'ok' }));
    expect(await faultOf(board.deliver('count'))).toMatchObject({ kind: 'crash-loop' });
    await board.runtime.rollback(PUPPET);
    expect(await board.ask('count')).toMatchObject({ release: '1.0.0' });
  });

  it('the previous instance is warm until it is settled, and there is no way back after', async () => {
    await install('1.0.0', { config: { start: 'greet' } });
    await install('2.0.0');
    expect(board.runtime.health()).toMatchObject([{ version: '2.0.0', state: 'soaking' }]);
    expect(board.told.lines.map(({ text }) => text)).toEqual(['started 1.0.0']);
    await board.runtime.settle(PUPPET);
    expect(board.runtime.health()).toMatchObject([{ version: '2.0.0', state: 'running' }]);
    expect(board.told.lines.map(({ text }) => text)).toContain('stopped after 0');
    expect(await faultOf(board.runtime.rollback(PUPPET))).toMatchObject({ kind: 'unhealthy' });
    expect(await board.ask('count')).toMatchObject({ release: '2.0.0' });
  });

  it('the timer ticks the one that serves, and only that', async () => {
    await install('1.0.0', { everyMs: 100 });
    await install('2.0.0');
    await board.runtime.settle(PUPPET);
    board.forget();
    await pause(250);
    expect(board.told.published).toEqual([]);
  });

  it('a stop ends both, and starting again begins anew', async () => {
    await install('1.0.0');
    await board.ask('count');
    await install('2.0.0');
    await board.runtime.stop(PUPPET);
    expect(board.runtime.health()).toEqual([]);
    await install('3.0.0');
    expect(await board.ask('count')).toEqual({ count: 1, release: '3.0.0' });
  });

  it('swaps that are asked for together come one after the other', async () => {
    await install('1.0.0');
    await Promise.all([install('2.0.0'), install('3.0.0'), install('4.0.0')]);
    expect(await board.ask('count')).toMatchObject({ release: '4.0.0' });
    await board.runtime.rollback(PUPPET);
    expect(await board.ask('count')).toMatchObject({ release: '3.0.0' });
  });

  it('closing the runtime answers what still waits', async () => {
    const closing = new Board(1);
    await closing.install({ limits: { callsPerSecond: 1 } });
    const calls = Array.from({ length: 10 }, () =>
      closing.deliver('count').then(String, () => 'turned away'),
    );
    const swapping = faultOf(closing.install({ version: '2.0.0', config: { start: 'spin' } }));
    await pause(50);
    await closing.close();
    expect((await Promise.all(calls)).filter((one) => one === 'turned away').length).toBeGreaterThan(5);
    expect(await swapping).toMatchObject({ kind: 'unhealthy' });
  });
});
