/** What a swap proves and reports, and whose state survives what. */
import { setTimeout as pause } from 'node:timers/promises';
import { AppName, HealthRule } from '@wafer/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SwapFailed } from '../../src/apps/runtime.ts';
import { compare } from '../../src/state/verdict.ts';
import { Board, faultOf, PUPPET, specOf, type SpecParts } from './harness.ts';

let board: Board;
beforeAll(async () => {
  board = new Board(1);
  await board.prepare();
}, 60_000);
afterAll(() => board.close());
beforeEach(async () => {
  for (const { app } of board.runtime.health()) await board.runtime.stop(app);
  board.forget();
});

const install = (release: string, parts: SpecParts = {}) =>
  board.install({ version: release, ...parts, config: { release, ...parts.config } });
const healthOf = (app: AppName) => board.runtime.health().find((one) => one.app === app);

async function failureOf(promise: Promise<unknown>): Promise<SwapFailed> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SwapFailed) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('a swap that fails', () => {
  it('in its start has figures of its start, and no others', async () => {
    await install('1.0.0');
    const { fault, figures } = await failureOf(install('2.0.0', { config: { start: 'refuse' } }));
    expect(fault.kind).toBe('trap');
    expect(figures).toEqual({
      cause: 'release',
      prepareMs: 0,
      startMs: expect.any(Number),
      lostCalls: 0,
    });
  });

  it('in its probe has figures of its start and its probe', async () => {
    await install('1.0.0');
    const parts = { config: { check: 'refuse' }, health: { probeWithinMs: 100 } };
    const { figures } = await failureOf(install('2.0.0', parts));
    expect(Object.keys(figures).toSorted()).toEqual([
      'cause',
      'lostCalls',
      'prepareMs',
      'probeMs',
      'startMs',
    ]);
    expect(figures.probeMs).toBeGreaterThanOrEqual(100);
  });
});

describe('health', () => {
  it('tells the last change of what serves, also a start and a restart', async () => {
    const prepared = await board.prepare();
    const spec = specOf(prepared.digest);
    await board.runtime.swap(spec, prepared, undefined, 'start');
    expect(healthOf(PUPPET)?.lastSwap?.figures).toMatchObject({ cause: 'start', gapMs: 0, lostCalls: 0 });
    await board.runtime.stop(PUPPET);
    await board.runtime.swap(spec, prepared, undefined, 'restart');
    expect(healthOf(PUPPET)?.lastSwap?.figures).toMatchObject({ cause: 'restart' });
    await install('2.0.0');
    expect(healthOf(PUPPET)?.lastSwap?.figures).toMatchObject({ cause: 'release' });
    await board.runtime.rollback(PUPPET);
    expect(healthOf(PUPPET)?.lastSwap?.figures).toMatchObject({ cause: 'rollback' });
  });
});

describe('while a release soaks', () => {
  it('it is compared with the one before, and a slower one is found out', async () => {
    const rule = HealthRule.parse({ compareAfterCalls: 3, maxLatencyPercent: 150 });
    await install('1.0.0');
    expect(board.runtime.soakFigures(PUPPET)).toBeUndefined();
    for (let call = 0; call < 3; call += 1) await board.ask('count');
    await install('2.0.0');
    for (let call = 0; call < 2; call += 1) await board.deliver('sleep', { ms: 600 });
    const early = board.runtime.soakFigures(PUPPET)!;
    expect(early.before).toMatchObject({ version: '1.0.0', calls: 3, faults: 0 });
    expect(compare(rule, early.now, early.before)).toBeUndefined();
    await board.deliver('sleep', { ms: 600 });
    const { now, before } = board.runtime.soakFigures(PUPPET)!;
    expect(compare(rule, now, before)).toMatchObject({ kind: 'unhealthy', subject: 'maxLatencyPercent' });
    await board.runtime.settle(PUPPET);
    expect(board.runtime.soakFigures(PUPPET)).toBeUndefined();
  });

  it('one that takes more memory is found out', async () => {
    const rule = HealthRule.parse({ compareAfterCalls: 1, maxLatencyPercent: 1_000_000 });
    await install('1.0.0');
    await board.ask('count');
    await install('2.0.0');
    await board.deliver('hold', { mib: 12 });
    const { now, before } = board.runtime.soakFigures(PUPPET)!;
    expect(compare(rule, now, before)).toMatchObject({ subject: 'maxMemoryPercent' });
  });

  it('its faults are counted, and those of the one before are not', async () => {
    await install('1.0.0');
    await faultOf(board.deliver('throw', { text: 'old' }));
    await install('2.0.0');
    await board.ask('count');
    await faultOf(board.deliver('throw', { text: 'new' }));
    expect(board.runtime.soakFigures(PUPPET)).toMatchObject({
      now: { version: '2.0.0', calls: 2, faults: 1 },
      before: { version: '1.0.0', calls: 1, faults: 1 },
    });
  });
});

describe('a rollback', () => {
  it('of a release that is believed takes its state along', async () => {
    await install('1.0.0');
    await board.ask('count');
    await install('2.0.0');
    await board.ask('count');
    await board.ask('count');
    await board.runtime.rollback(PUPPET, true);
    expect(await board.ask('count')).toEqual({ count: 4, release: '1.0.0' });
  });

  it('of one that is not goes on with the state that the previous one had', async () => {
    await install('1.0.0');
    await board.ask('count');
    await install('2.0.0');
    await board.ask('count');
    await board.runtime.rollback(PUPPET, false);
    expect(await board.ask('count')).toEqual({ count: 2, release: '1.0.0' });
  });

  it('goes on with the previous state when that one does not take the other', async () => {
    await install('1.0.0', { config: { restore: 'refuse' } });
    await board.ask('count');
    await install('2.0.0');
    await board.ask('count');
    await board.runtime.rollback(PUPPET, true);
    expect(await board.ask('count')).toEqual({ count: 2, release: '1.0.0' });
  });
});

describe('a guest that a neighbour cost its isolate', () => {
  const NEIGHBOUR = AppName.parse('neighbour');
  const cost = () => faultOf(board.deliver('spin', undefined, 'hostile'));
  const counted = async () => (await board.ask('count', undefined, 'neighbour')) as { count: number };
  beforeEach(async () => {
    await board.install({ app: 'hostile', limits: { deadlineMs: 700 } });
  });

  it('comes back with the state that it had when it was last probed', async () => {
    await board.install({ app: 'neighbour' });
    for (let call = 0; call < 3; call += 1) await counted();
    await board.runtime.probe(NEIGHBOUR);
    await pause(50);
    await counted();
    const waiting = counted();
    await Promise.all([cost(), waiting]);
    // Three that were noted; the fourth is forgotten; the call that waited is answered once, before or after.
    expect((await counted()).count).toBeLessThanOrEqual(6);
    expect((await counted()).count).toBeGreaterThanOrEqual(5);
    expect(board.told.faults.filter(({ app }) => app === 'neighbour')).toEqual([]);
  });

  it('begins anew where it does not take its state back, and says so', async () => {
    await board.install({ app: 'neighbour', config: { restore: 'refuse' } });
    await counted();
    await board.runtime.probe(NEIGHBOUR);
    await pause(50);
    await cost();
    expect(await counted()).toMatchObject({ count: 1 });
    expect(board.told.faults.find(({ app }) => app === 'neighbour')?.fault).toMatchObject({
      kind: 'trap',
      message: expect.stringContaining('refused to have its state back: cannot read this'),
    });
  });

  it('in the middle of a swap has the state that it was given', async () => {
    await board.install({ app: 'neighbour' });
    await counted();
    await counted();
    const prepared = await board.prepare();
    const parts = { app: 'neighbour', version: '2.0.0', config: { check: 'late' } };
    // It has been given its state then, and is not asked for it any more.
    let costing: Promise<unknown> | undefined;
    await board.runtime.swap(specOf(prepared.digest, parts), prepared, (stage) => {
      if (stage === 'probing') costing = cost();
    });
    await costing;
    expect(await counted()).toMatchObject({ count: 3 });
  });

  it('after a fault of its own begins without its state', async () => {
    await board.install({ app: 'neighbour' });
    await counted();
    await board.runtime.probe(NEIGHBOUR);
    await pause(50);
    await faultOf(board.deliver('exit', { status: 'ok' }, 'neighbour'));
    expect(await counted()).toMatchObject({ count: 1 });
  });
});
