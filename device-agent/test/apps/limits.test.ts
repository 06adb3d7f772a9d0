/** Each limit with a fault of its own, and what a guest used beside it. */
import { AppName, type Limits } from '@wafer/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Board, faultOf, TALK } from './harness.ts';

let board: Board;
beforeAll(async () => {
  board = new Board(1);
  await board.prepare();
}, 60_000);
afterAll(() => board.close());

let last = 0;
let app: string;
beforeEach(async () => {
  if (last > 0) await board.runtime.stop(AppName.parse(app));
  app = `limited-${(last += 1)}`;
  board.forget();
});

const install = (limits: Partial<Limits>, parts = {}) => board.install({ app, limits, ...parts });
const usage = () => board.runtime.health().find((one) => one.app === app)?.usage;
const told = () => board.told.faults.map(({ fault, count }) => `${fault.kind} ${fault.subject} ×${count}`);

describe('calls', () => {
  it('over their rate are told as calls-limit, and all are answered', async () => {
    await install({ callsPerSecond: 20 });
    await Promise.all(Array.from({ length: 30 }, () => board.deliver('count', undefined, app)));
    expect(told()).toEqual(['calls-limit callsPerSecond ×1']);
    expect(usage()).toMatchObject({ queued: 29 });
    expect(board.runtime.health().find((one) => one.app === app)).toMatchObject({ calls: 30, faults: 0 });
  });

  it('over the queue are turned away with queue-limit, and the others are answered', async () => {
    await install({ queueLength: 5 });
    const calls = Array.from({ length: 9 }, () => board.deliver('count', undefined, app));
    const ends = await Promise.allSettled(calls);
    const refused = ends.filter((end) => end.status === 'rejected');
    expect(refused.length).toBeGreaterThanOrEqual(3);
    expect(refused[0]?.reason).toMatchObject({ fault: { kind: 'queue-limit', subject: 'queueLength' } });
    expect(told()).toEqual(Array(refused.length).fill('queue-limit queueLength ×1'));
    expect(await board.ask('count', undefined, app)).toMatchObject({ count: 10 - refused.length });
  });
});

describe('messages', () => {
  it('over their number in a minute are an error that the guest can handle, and messages-limit', async () => {
    await install({ messagesPerMinute: 10, deadlineMs: 10_000 });
    await board.deliver('flood', { times: 30 }, app);
    expect(board.told.published).toHaveLength(10);
    expect(board.told.lines.at(-1)?.text).toContain('more than 10 messages in a minute');
    expect(told()).toEqual(['messages-limit messagesPerMinute ×1']);
    expect(usage()).toMatchObject({ messages: 10, outgoingBytes: 10, denied: 0 });
    expect(usage()).toMatchObject({ messages: 0, outgoingBytes: 0 });
  });

  it('over their bytes in a minute are the same with bytes-limit', async () => {
    await install({ outgoingBytesPerMinute: 25, deadlineMs: 10_000 });
    await board.deliver('flood', { times: 30 }, app);
    // Ten of one digit, seven of two.
    expect(board.told.published).toHaveLength(17);
    expect(board.told.lines.at(-1)?.text).toContain('more than 25 bytes in a minute');
    expect(told()).toEqual(['bytes-limit outgoingBytesPerMinute ×1']);
    expect(usage()).toMatchObject({ messages: 17, outgoingBytes: 24 });
  });

  it('are not to be had again by starting anew', async () => {
    await install({ messagesPerMinute: 10, deadlineMs: 10_000 });
    await board.deliver('flood', { times: 8 }, app);
    await faultOf(board.deliver('exit', { status: 'ok' }, app));
    await board.deliver('flood', { times: 8 }, app);
    expect(board.told.published).toHaveLength(10);
    await install({ messagesPerMinute: 10, deadlineMs: 10_000 }, { version: '1.1.0' });
    await board.deliver('flood', { times: 8 }, app);
    expect(board.told.published).toHaveLength(10);
  });

  it('over what one call may send are told as well', async () => {
    await install({ deadlineMs: 20_000 });
    await board.deliver('flood', { times: 300 }, app);
    expect(told()).toEqual(['messages-limit messagesPerCall ×1']);
  });
});

describe('log lines', () => {
  it('over their bytes are dropped, counted and told as log-limit', async () => {
    await install({ logBytesPerMinute: 100 });
    await board.deliver('stdout', { lines: 10, text: 'twenty characters...\n' }, app);
    expect(board.told.lines).toHaveLength(4);
    expect(told()).toEqual(['log-limit logBytesPerMinute ×6']);
    expect(usage()).toMatchObject({ logBytes: 84 });
    await board.deliver('stdout', { lines: 3, text: 'twenty characters...\n' }, app);
    expect(told().at(-1)).toBe('log-limit logBytesPerMinute ×3');
    expect(usage()).toMatchObject({ logBytes: 0 });
  });
});

describe('what a limit holds back', () => {
  it('is no fault of the release: only what speaks against it is counted', async () => {
    await install({ logBytesPerMinute: 0, messagesPerMinute: 0, callsPerSecond: 1 });
    await Promise.allSettled([board.deliver('log', { level: 'info', text: 'x' }, app)]);
    const limited = board.runtime.health().find((one) => one.app === app);
    expect(told()).toEqual(
      expect.arrayContaining([
        'log-limit logBytesPerMinute ×1',
        'messages-limit messagesPerMinute ×1',
        expect.stringContaining('trap'),
      ]),
    );
    // Its handler passed the error of the message on, which is its own.
    expect(limited).toMatchObject({ faults: 1 });
  });
});

describe('denied uses', () => {
  it('are counted, each of them, also those that one call repeats', async () => {
    await install({});
    for (let time = 0; time < 5; time += 1) {
      await board.deliver('publish', { topic: 'denied/topic' }, app);
    }
    expect(told()).toEqual(Array(5).fill('capability-denied messaging.publish denied/topic ×1'));
    expect(usage()).toMatchObject({ denied: 5 });
    await faultOf(board.deliver('network', undefined, app));
    expect(usage()).toMatchObject({ denied: 1 });
  });

  it('are told once for each subject of a call, with their number', async () => {
    await install({});
    await board.deliver('publish-often', { topics: ['a', 'b', 'a', 'a', 'b'] }, app);
    const denied = (topic: string, count: number) => `capability-denied messaging.publish ${topic} ×${count}`;
    expect(told()).toEqual([denied('a', 1), denied('b', 1), denied('a', 2), denied('b', 1)]);
    expect(usage()).toMatchObject({ denied: 5 });
  });

  it('on topics that are made up take bounded room, and each is counted', async () => {
    await install({ deadlineMs: 10_000 });
    const topics = Array.from({ length: 200 }, (_, index) => `made-up/${index}`);
    await board.deliver('publish-often', { topics }, app);
    expect(told()).toHaveLength(18);
    expect(told().at(-1)).toBe('capability-denied others ×183');
    expect(usage()).toMatchObject({ denied: 200 });
  });

  it('are known although the call never returns', async () => {
    await install({ deadlineMs: 150 });
    await faultOf(board.deliver('publish-often', { topics: ['a'], spins: true }, app));
    expect(told()).toEqual(['capability-denied messaging.publish a ×1', 'deadline 150 ms ×1']);
    expect(usage()).toMatchObject({ denied: 1 });
  });

  it('of what others send to it are counted too, and do not speak against it', async () => {
    await install({});
    await faultOf(board.runtime.deliver(AppName.parse(app), 'other/topic', new Uint8Array()));
    await faultOf(board.runtime.deliver(AppName.parse(app), '$board/topic', new Uint8Array()));
    expect(told()).toEqual([
      'capability-denied messaging.subscribe other/topic ×1',
      'capability-denied messaging.subscribe $board/topic ×1',
    ]);
    expect(usage()).toMatchObject({ denied: 2 });
    expect(board.runtime.health().find((one) => one.app === app)).toMatchObject({ faults: 0 });
  });
});

describe('time', () => {
  it('in the guest is told, also of a call that was ended', async () => {
    await install({ deadlineMs: 100 });
    usage();
    await board.deliver('sleep', { ms: 50 }, app);
    const slept = usage()!.busyMs;
    expect(slept).toBeGreaterThanOrEqual(50);
    await faultOf(board.deliver('spin', undefined, app));
    expect(usage()!.busyMs).toBeGreaterThanOrEqual(99);
  });
});

describe('grants', () => {
  it('that a guest used are told by name, once in a while', async () => {
    await install(
      {},
      { grants: { ...TALK, messaging: { publish: ['unused/#', 'out/#'], subscribe: ['do/#'] } } },
    );
    for (let time = 0; time < 3; time += 1) await board.deliver('random-only', undefined, app);
    const used = board.told.used.flatMap(({ grants }) => grants);
    expect(used.filter((grant) => grant === 'random')).toHaveLength(1);
    expect(new Set(used)).toEqual(new Set(['random', 'messaging.publish out/#', 'messaging.subscribe do/#']));
    await board.deliver('wall-only', undefined, app);
    await vi.waitFor(() => expect(board.told.used.flatMap(({ grants }) => grants)).toContain('clock'));
  });
});
