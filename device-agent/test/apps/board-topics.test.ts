/** Messages between guests of one board: `$board/…`. */
import { setTimeout as pause } from 'node:timers/promises';
import { AppName, type Grants } from '@wafer/protocol';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Board, faultOf } from './harness.ts';

let board: Board;
beforeAll(async () => {
  board = new Board(2);
  await board.prepare();
}, 60_000);
afterAll(() => board.close());

/** New names for each test, because an app's books outlive its guests. */
let DOOR: AppName;
let LAMP: AppName;
let BELL: AppName;
let round = 0;
beforeEach(() => {
  round += 1;
  const [door, lamp, bell] = ['door', 'lamp', 'bell'].map((name) => AppName.parse(`${name}-${round}`));
  [DOOR, LAMP, BELL] = [door!, lamp!, bell!];
});
afterEach(async () => {
  for (const name of [DOOR, LAMP, BELL]) await board.runtime.stop(name);
  board.forget();
});

const talking = (publish: string[], subscribe: string[]): Grants => ({
  messaging: { publish: ['out/#', ...publish], subscribe: ['do/#', ...subscribe] },
});
const callsOf = (app: AppName): number => board.runtime.health().find((one) => one.app === app)?.calls ?? 0;
const published = (app: AppName): string[] =>
  board.told.published.filter((one) => one.app === app).map(({ topic }) => topic);

it('a message reaches every other guest that subscribes to it, and never the server', async () => {
  await board.install({ app: DOOR, grants: talking(['$board/#'], ['$board/#']) });
  await board.install({ app: LAMP, grants: talking([], ['$board/count']) });
  await board.install({ app: BELL, grants: talking([], ['#', '+/count', '$board/other']) });
  await board.deliver('publish', { topic: '$board/count' }, DOOR);
  await vi.waitFor(() => expect(published(LAMP)).toEqual(['out/count']));
  expect(published(DOOR)).toEqual(['out/publish']);
  expect([callsOf(DOOR), callsOf(LAMP), callsOf(BELL)]).toEqual([1, 1, 0]);
  expect(board.told.faults).toEqual([]);
  expect(board.told.used).toContainEqual({ app: LAMP, grants: ['messaging.subscribe $board/count'] });
});

it('a message without a grant to publish it is denied', async () => {
  await board.install({ app: DOOR, grants: talking(['$board/door'], []) });
  await board.install({ app: LAMP, grants: talking([], ['$board/#']) });
  expect(await board.ask('publish', { topic: '$board/count' }, DOOR)).toMatchObject({
    error: { tag: 'permission-denied' },
  });
  expect(callsOf(LAMP)).toBe(0);
  expect(board.told.faults).toMatchObject([{ fault: { subject: 'messaging.publish $board/count' } }]);
});

it('the server cannot speak as a guest of the board', async () => {
  await board.install({ app: LAMP, grants: talking([], ['$board/#']) });
  expect(await faultOf(board.runtime.deliver(LAMP, '$board/count', new Uint8Array()))).toMatchObject({
    kind: 'capability-denied',
    subject: 'messaging.subscribe $board/count',
  });
  expect(callsOf(LAMP)).toBe(0);
});

it('a receiver that hangs, faults or is gone does not hold up the sender', async () => {
  await board.install({ app: DOOR, grants: talking(['$board/#'], []) });
  await board.install({
    app: LAMP,
    grants: talking([], ['$board/#']),
    limits: { deadlineMs: 200, queueLength: 3 },
  });
  await board.deliver('publish', { topic: '$board/spin' }, DOOR);
  for (let time = 0; time < 10; time += 1) await board.deliver('publish', { topic: '$board/count' }, DOOR);
  expect(callsOf(DOOR)).toBe(11);
  await vi.waitFor(() => {
    const kinds = board.told.faults.filter(({ app }) => app === LAMP).map(({ fault }) => fault.kind);
    expect(kinds.filter((kind) => kind === 'queue-limit')).toHaveLength(7);
    expect(kinds).toContain('deadline');
  });
  await vi.waitFor(() => expect(published(LAMP)).toEqual(Array(3).fill('out/count')));
  await board.runtime.stop(LAMP);
  await board.deliver('publish', { topic: '$board/count' }, DOOR);
  expect(board.told.faults.filter(({ app }) => app === DOOR)).toEqual([]);
});

it('guests that answer each other without end are held by their limits', async () => {
  const grants = talking(['$board/relay'], ['$board/relay']);
  const limits = { messagesPerMinute: 50 };
  await board.install({ app: DOOR, grants, limits });
  await board.install({ app: LAMP, grants, limits });
  await board.deliver('relay', { to: '$board/relay' }, DOOR);
  const calls = () => callsOf(DOOR) + callsOf(LAMP);
  await vi.waitFor(() =>
    expect(board.told.faults.map(({ fault }) => fault.kind)).toContain('messages-limit'),
  );
  const after = calls();
  expect(after).toBeLessThan(110);
  await pause(200);
  expect(calls()).toBeLessThanOrEqual(after + 2);
});

it('a candidate hears nothing before it serves, and everything from then on', async () => {
  await board.install({ app: DOOR, grants: talking(['$board/#'], []) });
  await board.install({ app: LAMP, grants: talking([], ['$board/#']), config: { release: 'old' } });
  let isOver = false;
  const sending = (async () => {
    while (!isOver) await board.deliver('publish', { topic: '$board/count' }, DOOR);
  })();
  await pause(30);
  await board.install({
    app: LAMP,
    version: '1.1.0',
    grants: talking([], ['$board/#']),
    config: { release: 'new' },
  });
  await pause(30);
  isOver = true;
  await sending;
  const sent = callsOf(DOOR);
  const answers = () =>
    board.told.published
      .filter(({ app, topic }) => app === LAMP && topic === 'out/count')
      .map(({ payload }) => JSON.parse(payload) as { count: number; release: string });
  await vi.waitFor(() => expect(answers()).toHaveLength(sent));
  expect(answers().map(({ count }) => count)).toEqual(Array.from({ length: sent }, (_, index) => index + 1));
  expect(new Set(answers().map(({ release }) => release))).toEqual(new Set(['old', 'new']));
});
