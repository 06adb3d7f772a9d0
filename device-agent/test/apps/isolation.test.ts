/** Who shares an isolate with whom, and what a neighbour's broken deadline costs. */
import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { AppName } from '@wafer/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { command } from './components.ts';
import { Board, EXPORTS, faultOf, PUPPET } from './harness.ts';

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

const SMALL = AppName.parse('small');
const until = async (condition: () => boolean): Promise<void> => {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 500) throw new Error('it did not come about');
    await pause(10);
  }
};
const healthOf = (app: string) => board.runtime.health().find((one) => one.app === app);
const threads = (): number => readdirSync('/proc/self/task').length;

describe('a dedicated guest', () => {
  it('is not disturbed by what its neighbours do, nor they by it', async () => {
    await board.install({ app: 'apart', isolation: 'dedicated', limits: { deadlineMs: 700 } });
    await board.install({ app: 'hostile', limits: { deadlineMs: 700 } });
    await board.install({ app: 'neighbour' });
    await board.ask('count', undefined, 'apart');
    await board.ask('count', undefined, 'neighbour');

    await faultOf(board.deliver('spin', undefined, 'hostile'));
    // Its memory is as it was: its isolate never ended.
    expect(await board.ask('count', undefined, 'apart')).toMatchObject({ count: 2 });
    await board.ask('count', undefined, 'neighbour');
    await faultOf(board.deliver('spin', undefined, 'apart'));
    expect(await board.ask('count', undefined, 'neighbour')).toMatchObject({ count: expect.any(Number) });
    expect(await board.ask('count', undefined, 'apart')).toMatchObject({ count: 1 });
  });

  it('runs while a neighbour is busy', async () => {
    await board.install({ app: 'apart', isolation: 'dedicated' });
    await board.install({ limits: { deadlineMs: 1500 } });
    let isOver = false;
    const spinning = faultOf(board.deliver('spin')).finally(() => (isOver = true));
    expect(await board.ask('count', undefined, 'apart')).toMatchObject({ count: 1 });
    expect(isOver).toBe(false);
    await spinning;
  });

  it('has an isolate that ends when the guest goes', async () => {
    await board.install();
    await board.ask('count');
    await pause(200);
    const before = threads();
    for (const app of ['apart-a', 'apart-b']) await board.install({ app, isolation: 'dedicated' });
    expect(threads()).toBeGreaterThanOrEqual(before + 2);
    for (const app of ['apart-a', 'apart-b']) await board.runtime.stop(AppName.parse(app));
    await until(() => threads() <= before);
  });

  it('is swapped and goes back like any other', async () => {
    const parts = { isolation: 'dedicated' as const };
    await board.install(parts);
    await board.ask('count');
    expect(await board.install({ ...parts, version: '2.0.0' })).toMatchObject({ lostCalls: 0 });
    expect(await board.ask('count')).toMatchObject({ count: 2 });
    await board.runtime.rollback(PUPPET);
    expect(await board.ask('count')).toMatchObject({ count: 2 });
    await board.runtime.settle(PUPPET);
  });

  it('that is a command has its isolate for as long as it runs', async () => {
    await board.install();
    await pause(200);
    const before = threads();
    await board.install(
      { app: 'small', world: 'command', isolation: 'dedicated', triggers: { everyMs: 100 } },
      await command('(i32.const 0)'),
    );
    await until(() => (healthOf('small')?.calls ?? 0) >= 3);
    await board.runtime.stop(SMALL);
    await until(() => threads() <= before);
    expect(board.told.faults).toEqual([]);
  });
});

describe('the neighbours of a guest that breaks its deadline', () => {
  it('are healthy once they live again, also those that export no health', async () => {
    const exports = EXPORTS.filter((name) => !name.startsWith('wafer:app/health'));
    // Asked, this one would say no.
    await board.install({ app: 'neighbour', exports, config: { check: 'refuse' } });
    await board.install({ limits: { deadlineMs: 700 } });
    await faultOf(board.deliver('spin'));
    await board.runtime.probe(AppName.parse('neighbour'));
    expect(await board.ask('count', undefined, 'neighbour')).toMatchObject({ count: expect.any(Number) });
  });

  it('come back, many at a time, and lose no call', async () => {
    const neighbours = Array.from({ length: 6 }, (_, index) => `neighbour-${index}`);
    for (const app of neighbours) await board.install({ app });
    await board.install({ limits: { deadlineMs: 700 } });
    const spinning = faultOf(board.deliver('spin'));
    const calls = neighbours.flatMap((app) =>
      Array.from({ length: 10 }, () => board.deliver('count', undefined, app)),
    );
    expect(await spinning).toMatchObject({ kind: 'deadline' });
    await expect(Promise.all(calls)).resolves.toHaveLength(60);
    for (const app of neighbours) expect(healthOf(app)).toMatchObject({ state: 'running' });
    expect(board.told.faults).toMatchObject([{ app: 'puppet' }]);
  });

  it('are started all the same when they were about to be', async () => {
    await board.install({ limits: { deadlineMs: 200 } });
    const spinning = faultOf(board.deliver('spin'));
    const started = board.install({ app: 'late', config: { check: 'late' } });
    const calls = [spinning];
    await started;
    expect(await calls[0]).toMatchObject({ kind: 'deadline' });
    expect(await board.ask('count', undefined, 'late')).toMatchObject({ count: 1 });
  });
});

describe('a board that has guests to start', () => {
  it('makes their isolate before the first of them comes, and none beside it', async () => {
    // What ran here before has ended.
    await pause(200);
    const before = threads();
    const booting = new Board(1, { isExpectingGuests: true });
    await until(() => threads() > before);
    const warm = threads();
    await booting.install();
    expect(threads()).toBeLessThanOrEqual(warm);
    await booting.close();
  });
});
