/** What makes guests tick by the clock. */
import { setTimeout as pause } from 'node:timers/promises';
import { AppName } from '@wafer/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { command } from './components.ts';
import { Board, PUPPET, type SpecParts } from './harness.ts';

const SMALL = AppName.parse('small');
let board: Board;
beforeAll(async () => {
  board = new Board(1);
  await board.prepare();
}, 60_000);
afterAll(() => board.close());
beforeEach(async () => {
  for (const app of [PUPPET, SMALL]) await board.runtime.stop(app);
  board.forget();
});

const until = async (condition: () => boolean): Promise<void> => {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 1000) throw new Error('it did not come about');
    await pause(10);
  }
};
const healthOf = (app: AppName) => board.runtime.health().find((one) => one.app === app);
const job = async (wat: string, parts: SpecParts = {}) =>
  board.install({ app: 'small', world: 'command', ...parts }, await command(wat));

describe('a cron expression', () => {
  const everySecond = { cron: '* * * * * *' };

  it("drives a reactor's timer", async () => {
    await board.install({ triggers: everySecond });
    const ticks = () => board.told.published.filter(({ topic }) => topic === 'out/tick');
    await until(() => ticks().length >= 2);
    expect(
      ticks()
        .map(({ payload }) => payload)
        .slice(0, 2),
    ).toEqual(['{"count":1}', '{"count":2}']);
  });

  it('runs a command once more at each of its instants', async () => {
    await job('(i32.const 0)', { triggers: everySecond });
    await until(() => (healthOf(SMALL)?.calls ?? 0) >= 2);
    expect(healthOf(SMALL)?.state).not.toBe('failed');
  });

  it('ticks nobody after the app was stopped', async () => {
    await board.install({ triggers: everySecond });
    await board.runtime.stop(PUPPET);
    await pause(1200);
    expect(board.told.published).toEqual([]);
  });
});
