/** What is left of a guest when it goes, however it goes: nothing. (Its stores: keyvalue.test.ts.) */
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AppName, type Grants } from '@wafer/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Board, faultOf, PUPPET, TALK } from './harness.ts';

let board: Board;
let grants: Grants;
beforeAll(async () => {
  board = new Board(1);
  const host = join(board.folder, 'files');
  mkdirSync(host);
  writeFileSync(join(host, 'note'), 'hello');
  grants = { ...TALK, filesystem: [{ host, guest: '/data', access: 'read' }] };
  await board.prepare();
}, 60_000);
afterAll(() => board.close());
beforeEach(async () => {
  await board.runtime.stop(PUPPET);
  board.forget();
});

/** Open files of this process that lie in the guest's folder, the folder itself included. */
const openFiles = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(join(board.folder, 'files'));
    } catch {
      return false;
    }
  }).length;

describe('open files', () => {
  const ends: Record<string, () => Promise<unknown>> = {
    'is stopped': () => board.runtime.stop(PUPPET),
    exits: () => faultOf(board.deliver('exit', { status: 'ok' })),
    traps: () => faultOf(board.deliver('recurse')),
    'is replaced, once the soak is over': async () => {
      await board.install({ version: '1.1.0' });
      await board.runtime.settle(PUPPET);
    },
    'was the candidate that failed its probe': async () => {
      await board.runtime.stop(PUPPET);
      await faultOf(board.install({ grants, config: { check: 'refuse' }, health: { probeWithinMs: 1 } }));
    },
  };
  it.each(Object.entries(ends))('are closed when their guest %s', async (_, end) => {
    await board.install({ grants });
    expect(await board.ask('hold-files', { path: 'note', times: 20 })).toEqual({ ok: null });
    expect(openFiles()).toBeGreaterThan(20);
    await end();
    // The folder itself is open again where a new instance was made.
    await vi.waitFor(() => expect(openFiles()).toBeLessThanOrEqual(1));
  });

  it('do not add up when their guest is ended by force', async () => {
    await board.install({ grants, limits: { deadlineMs: 150 } });
    for (let round = 0; round < 5; round += 1) {
      await board.deliver('hold-files', { path: 'note', times: 20 });
      await faultOf(board.deliver('spin'));
      await board.ask('count');
    }
    expect(openFiles()).toBeLessThanOrEqual(22);
  });
});

describe('messages that a guest held', () => {
  it('are not counted against its next instance', async () => {
    await board.install({ limits: { memoryMiB: 64 } });
    for (let round = 0; round < 5; round += 1) {
      expect(await board.ask('hold-messages', { times: 250, bytes: 10 })).toBe(250);
      await faultOf(board.deliver('exit', { status: 'ok' }));
      if (round > 0) await board.runtime.stop(PUPPET).then(() => board.install());
    }
  });

  it('free their memory with it', async () => {
    const round = async (): Promise<void> => {
      await board.install({ limits: { memoryMiB: 64, deadlineMs: 10_000 } });
      await board.deliver('hold-messages', { times: 200, bytes: 65_536 });
      await board.runtime.stop(PUPPET);
    };
    await round();
    const before = process.memoryUsage().rss;
    for (let time = 0; time < 20; time += 1) await round();
    // They held 250 MiB in all, beside their guests' own memories.
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  }, 60_000);
});

describe('pollables that a guest held', () => {
  it('go with it: its isolate does not run out of memory over many such guests', async () => {
    await board.install({ app: 'neighbour' });
    for (let time = 0; time < 30; time += 1) {
      await board.install({ limits: { deadlineMs: 20_000 } });
      expect(await board.ask('hold-pollables', { times: 4000 })).toBe(4000);
      await board.runtime.stop(PUPPET);
    }
    expect(await board.ask('count', undefined, 'neighbour')).toMatchObject({ count: 1 });
    expect(board.told.faults).toEqual([]);
    await board.runtime.stop(AppName.parse('neighbour'));
  }, 60_000);
});

describe('timers', () => {
  it('end with their guest, and there is one after a swap and after going back', async () => {
    const ticks = () => board.told.published.filter(({ topic }) => topic === 'out/tick').length;
    await board.install({ everyMs: 100 });
    await vi.waitFor(() => expect(ticks()).toBeGreaterThan(0));
    await board.install({ version: '1.1.0', everyMs: 100 });
    await board.runtime.rollback(PUPPET);
    board.forget();
    await pause(450);
    expect(ticks()).toBeLessThanOrEqual(5);
    await board.runtime.stop(PUPPET);
    board.forget();
    await pause(250);
    expect(ticks()).toBe(0);
  });
});

describe('subscriptions', () => {
  it('end with their guest', async () => {
    const door = AppName.parse('door');
    await board.install({
      app: door,
      grants: { messaging: { publish: ['#', '$board/#'], subscribe: ['do/#'] } },
    });
    await board.install({ grants: { messaging: { publish: ['#'], subscribe: ['$board/#', 'do/#'] } } });
    await board.runtime.stop(PUPPET);
    await board.deliver('publish', { topic: '$board/count' }, door);
    expect(await faultOf(board.deliver('count'))).toMatchObject({ kind: 'unhealthy' });
    expect(board.told.published.map(({ app }) => app)).toEqual([door]);
    await board.runtime.stop(door);
  });
});
