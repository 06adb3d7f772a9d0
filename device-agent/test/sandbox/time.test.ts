/** Calls that never return, and traps, in every export. The neighbour lives in the same isolate. */
import { AppName } from '@wafer/protocol';
import { afterAll, beforeAll, expect } from 'vitest';
import { Board, faultOf, type SpecParts } from '../apps/harness.ts';
import { command, FOREVER, reactor, type Bodies } from './handmade.ts';
import { attack, freshApp } from './stage.ts';

let board: Board;
beforeAll(async () => {
  board = new Board(1);
  // It is asked all the while, also while its isolate hangs; none of that may be lost.
  await board.install({ app: 'neighbour', limits: { queueLength: 10_000 } });
}, 60_000);
afterAll(() => board.close());

const DEADLINE_MS = 150;
const PARTS: SpecParts = {
  grants: { clock: true, messaging: { publish: [], subscribe: ['#'] } },
  limits: { deadlineMs: DEADLINE_MS },
  health: { probeWithinMs: 500 },
};

const install = async (app: string, bodies: Bodies, parts: SpecParts = {}) =>
  board.install({ ...PARTS, app, ...parts }, await reactor(bodies));
const call = (app: string) => board.runtime.deliver(AppName.parse(app), 'x', new Uint8Array());

/** Runs `attempt` while the neighbour is called; every one of its calls must be answered. */
async function beside<T>(attempt: () => Promise<T>): Promise<T> {
  const calls: Promise<unknown>[] = [];
  const ask = (): void => void calls.push(board.ask('count', undefined, 'neighbour'));
  ask();
  const timer = setInterval(ask, 5);
  try {
    return await attempt();
  } finally {
    clearInterval(timer);
    ask();
    const answers = await Promise.all(calls);
    expect(answers.every((answer) => typeof answer === 'object' && answer !== null)).toBe(true);
    expect(board.told.faults.filter(({ app }) => app === 'neighbour')).toEqual([]);
    board.forget();
  }
}

/** Exports with how an installation or a call gets there; `body` is put into each. */
const PLACES: Readonly<Record<string, (app: string, body: string) => Promise<unknown>>> = {
  'the start function of a core module': (app, begin) => install(app, { begin }),
  start: (app, start) => install(app, { start }),
  'the probe': (app, check) => install(app, { check }),
  'a call': async (app, handle) => {
    await install(app, { handle });
    await call(app);
  },
  save: async (app, save) => {
    await install(app, { save });
    await install(app, {}, { version: '2.0.0' });
  },
  restore: async (app, restore) => {
    await install(app, {});
    await install(app, { restore }, { version: '2.0.0' });
  },
};

const ATTACKS = [
  ['endless loop', FOREVER, 'deadline', `${DEADLINE_MS} ms`],
  ['trap', '(unreachable)', 'trap', undefined],
] as const;

for (const [what, body, kind, subject] of ATTACKS) {
  for (const [place, attempt] of Object.entries(PLACES)) {
    attack(`${what} in ${place}`, async () => {
      const app = freshApp();
      const fault = await beside(() => faultOf(attempt(app, body)));
      expect(fault.kind).toBe(kind);
      if (kind === 'deadline') expect(fault.subject).toMatch(/^(150|2000) ms$/);
      await board.runtime.stop(AppName.parse(app));
      return fault.subject === undefined ? kind : `${kind}: ${fault.subject}`;
    });
  }

  attack(`${what} in the timer`, async () => {
    const app = freshApp();
    await beside(async () => {
      await install(app, { tick: body }, { everyMs: 100 });
      await expect.poll(() => board.told.faults, { timeout: 5000 }).not.toEqual([]);
      expect(board.told.faults[0]).toMatchObject({ app, fault: { kind } });
      await board.runtime.stop(AppName.parse(app));
    });
    return subject === undefined ? kind : `${kind}: ${subject}`;
  });

  attack(`${what} in stop`, async () => {
    const app = freshApp();
    await beside(async () => {
      await install(app, { stop: body });
      await board.runtime.stop(AppName.parse(app));
    });
    expect(board.runtime.health().map((one) => one.app)).toEqual(['neighbour']);
    return 'it is stopped all the same';
  });

  attack(`${what} in a command`, async () => {
    const bytes = await command(`${body} (i32.const 0)`);
    const app = freshApp();
    const fault = await beside(() => faultOf(board.install({ ...PARTS, app, world: 'command' }, bytes)));
    expect(fault.kind).toBe(kind);
    return subject === undefined ? kind : `${kind}: ${subject}`;
  });
}

attack('sleep past the deadline', async () => {
  const app = freshApp();
  await board.install({ app, limits: { deadlineMs: DEADLINE_MS } });
  const fault = await beside(() => faultOf(board.deliver('sleep', { ms: 600_000 }, app)));
  expect(fault).toMatchObject({ kind: 'deadline', subject: `${DEADLINE_MS} ms` });
  await board.runtime.stop(AppName.parse(app));
  return `deadline: ${DEADLINE_MS} ms`;
});

attack('failing again and again', async () => {
  const app = freshApp();
  await install(app, { handle: '(unreachable)' });
  const kinds = await beside(async () => {
    const list = [];
    for (let time = 0; time < 5; time += 1) list.push((await faultOf(call(app))).kind);
    return list;
  });
  expect(kinds).toEqual(['trap', 'trap', 'trap', 'crash-loop', 'crash-loop']);
  await board.runtime.stop(AppName.parse(app));
  return 'crash-loop: it rests before it is tried again';
});

attack('hostile neighbour in one isolate: loops, grows, recurses, exits and floods in turn', async () => {
  const app = freshApp();
  await board.install({ app, limits: { deadlineMs: DEADLINE_MS, memoryMiB: 16 } });
  const deeds = [
    ['spin'],
    ['grow'],
    ['exit', { status: 'ok' }],
    ['flood', { times: 100_000 }],
    ['recurse'],
    ['stdout', { lines: 1_000_000, text: 'x' }],
  ] as const;
  await beside(async () => {
    for (const [deed, args] of deeds) {
      await board.deliver(deed, args, app).catch(() => undefined);
      // A rest, so that it is tried again and not turned away as a crash loop.
      await board.deliver('count', undefined, app).catch(() => undefined);
    }
    expect(board.told.faults.filter((told) => told.app === app).length).toBeGreaterThanOrEqual(3);
  });
  await board.runtime.stop(AppName.parse(app));
  return 'the other guest answered every call';
});
