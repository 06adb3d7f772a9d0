/** What happens to rollouts when servers die, databases restart and devices say what nobody asked for. */
import { randomUUID } from 'node:crypto';
import type { DeviceId, ExecutionId, Report, RolloutAction } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tickOnce } from '../src/rollouts/engine/index.ts';
import { obey } from '../src/rollouts/engine/orders.ts';
import { storeReports } from '../src/telemetry/report-store.ts';
import { CANARY, rolloutHouse, type RolloutHouse } from './rollouts-house.ts';

let house: RolloutHouse;
beforeAll(async () => {
  house = await rolloutHouse();
});
afterAll(() => house.close());

/** The server's database, which is gone from the `last`th statement on: before it was run, or after it was. */
function dyingAfter(last: number, isStored: boolean): RolloutHouse['deps'] {
  let statements = 0;
  const death = new Error('the server was killed');
  const guarded = <Args extends unknown[], T>(run: (...args: Args) => PromiseLike<T>) =>
    async function (...args: Args): Promise<T> {
      statements += 1;
      if (statements > last) throw death;
      if (statements < last || isStored) {
        const made = await run(...args);
        if (statements === last) throw death;
        return made;
      }
      throw death;
    };
  const { db } = house.deps;
  const dying = new Proxy(db, {
    get: (target, key) =>
      key === 'execute' ? guarded(target.execute.bind(target)) : Reflect.get(target, key),
  });
  return { ...house.deps, db: dying };
}

test.each([
  ['before', false],
  ['after', true],
])(
  'a server that is killed %s any of its writes leaves a rollout that others finish exactly',
  async (when, isStored) => {
    const channel = `killed-${when}`;
    const devices = await house.channelOf(channel, 3);
    const { id } = await house.make(channel, { waves: CANARY, inFlight: 1 });
    await house.order(id, 'start');
    let deaths = 0;
    for (let last = 1; (await house.read(id)).state !== 'COMPLETED'; last = (last % 12) + 1) {
      expect((deaths += 1)).toBeLessThan(100);
      // One that dies takes nothing with it; its list of rollouts may already fail.
      await tickOnce(dyingAfter(last, isStored)).catch((error: Error) =>
        expect(error.message).toBe('the server was killed'),
      );
      const started = await house.startedOf(id);
      expect(started.length).toBeLessThanOrEqual(1);
      for (const device of started) await house.answer(device, 'SUCCEEDED');
    }
    expect(await house.asked(devices)).toEqual(Array(3).fill('1.1.0'));
    expect((await house.membersOf(id)).map(({ state }) => state)).toEqual(Array(3).fill('SUCCEEDED'));
    const rows = await house.rows(
      sql`select device, count(*)::integer as times from executions where rollout = ${id} group by device`,
    );
    expect(rows.map(({ times }) => times)).toEqual([1, 1, 1]);
  },
);

/** The server's database, to which something else happens right before the statement that starts devices. */
function withBeforeStart(happens: () => Promise<void>): RolloutHouse['deps'] {
  const { db } = house.deps;
  const execute = async (query: SQL) => {
    if (new PgDialect().sqlToQuery(query).sql.includes('next.rests')) await happens();
    return db.execute(query);
  };
  const observed = new Proxy(db, {
    get: (target, key) => (key === 'execute' ? execute : Reflect.get(target, key)),
  });
  return { ...house.deps, db: observed };
}

test('a failure that is stored after a server has decided to start devices still stops it from starting them', async () => {
  await house.channelOf('at-the-last', 4);
  const waves = [{ devices: { of: 'rest' }, gate: { successPercent: 0, errorCount: 1 } }];
  const { id } = await house.begun('at-the-last', { waves, inFlight: 2 });
  const [one, two] = await house.startedOf(id);
  await house.answer(one as DeviceId, 'SUCCEEDED');
  const failing = withBeforeStart(() => house.answer(two as DeviceId, 'FAILED', 'trap'));
  await tickOnce(failing);
  const { state, waves: after } = await house.read(id);
  expect(state).toBe('PAUSED');
  expect(after[0]?.counts).toMatchObject({ succeeded: 1, failed: 1, started: 0, waiting: 2 });
});

const ORDERS: readonly { action: RolloutAction; before: readonly string[]; after: string }[] = [
  { action: 'start', before: [], after: 'SCHEDULED' },
  { action: 'pause', before: ['start', 'tick'], after: 'PAUSED' },
  { action: 'resume', before: ['start', 'tick', 'pause'], after: 'RUNNING' },
  { action: 'abort', before: ['start', 'tick'], after: 'ABORTED' },
  { action: 'rollback', before: ['start', 'tick'], after: 'ROLLING_BACK' },
  { action: 'retry', before: ['start', 'tick', 'fail', 'tick'], after: 'PAUSED' },
];

test.each(ORDERS)(
  'a server that is killed at any write of the order $action has obeyed it whole, or not at all',
  async ({ action, before, after }) => {
    const channel = `order-${action}`;
    await house.channelOf(channel, 4);
    const actor = { audit: 'user:somebody', source: '127.0.0.1', person: null };
    let obeyed = 0;
    for (let last = 1; obeyed < 2; last += 1) {
      expect(last).toBeLessThan(20);
      for (const isStored of [false, true]) {
        const { id } = await house.make(channel, { inFlight: 2 });
        for (const step of before) {
          if (step === 'tick') await house.tick();
          else if (step === 'fail')
            for (const device of await house.startedOf(id)) await house.answer(device, 'FAILED', 'link');
          else await house.order(id, step);
        }
        const was = await house.read(id);
        const order = { id, action, reason: null, ifMatch: undefined, actor };
        const outcome = await obey(dyingAfter(last, isStored), order).then(
          () => 'obeyed',
          (error: Error) => error.message,
        );
        expect(['obeyed', 'the server was killed']).toContain(outcome);
        const is = await house.read(id);
        if (is.revision === was.revision) expect(is).toEqual(was);
        else expect(is.state).toBe(after);
        if (outcome === 'obeyed') {
          expect(is.state).toBe(after);
          obeyed += 1;
        }
        // Whoever takes over finds it as it is, and the next order is taken.
        await house.tick();
        await house.order(id, 'abort');
        const { state } = await house.read(id);
        expect(['ABORTED', 'ROLLING_BACK', 'ROLLED_BACK']).toContain(state);
        for (const { device } of await house.membersOf(id)) await house.answer(device, 'SUCCEEDED');
        await house.tick();
        await house.rows(sql`delete from device_rests`);
        await house.rows(sql`update executions set state = 'SUCCEEDED' where state = 'FAILED'`);
      }
    }
  },
  30_000,
);

const numbers = new Map<DeviceId, number>();
/** As the device's own report of an execution, through what stores reports. */
async function report(device: DeviceId, execution: string, state: string, version = '1.1.0'): Promise<void> {
  const number = (numbers.get(device) ?? 0) + 1;
  numbers.set(device, number);
  const at = new Date(house.clock.now()).toISOString();
  const event = { kind: 'execution', at, execution: execution as ExecutionId, app: 'thermo', version, state };
  await storeReports(house.deps.db, [{ device, report: { number, event } as Report }], house.clock.now());
}
const executionOf = async (device: DeviceId): Promise<string> =>
  (
    await house.rows<{ execution: string }>(sql`select execution from assignments where device = ${device}`)
  )[0]?.execution ?? '';

test('a device that answers twice, late, for another, or for a rollout that ended changes nothing', async () => {
  const [one, two] = (await house.channelOf('chatty', 2)) as [DeviceId, DeviceId];
  const { id } = await house.begun('chatty', {
    waves: [{ devices: { of: 'rest' }, gate: { successPercent: 0 } }],
  });
  const [mine, theirs] = [await executionOf(one), await executionOf(two)];
  await report(one, mine, 'FAILED');
  await report(one, mine, 'SUCCEEDED');
  await report(one, theirs, 'FAILED');
  await report(one, randomUUID(), 'SUCCEEDED');
  await house.tick();
  expect((await house.membersOf(id)).find(({ device }) => device === one)).toMatchObject({ state: 'FAILED' });
  expect(await house.startedOf(id)).toEqual([two]);
  await house.order(id, 'abort');
  const ended = await house.read(id);
  await report(two, theirs, 'SUCCEEDED');
  await report(two, theirs, 'FAILED');
  await house.tick();
  expect(await house.read(id)).toEqual(ended);
  expect(await house.asked([one, two])).toEqual(['1.0.0', '1.0.0']);
});

test('a clock that jumps, ahead or back, starts nobody twice and ends nobody who still has time', async () => {
  await house.channelOf('jumpy', 4);
  const { id } = await house.begun('jumpy', {
    inFlight: 2,
    waves: [{ devices: { of: 'rest' }, gate: { soakMinutes: 10 } }],
  });
  const started = await house.startedOf(id);
  house.clock.advance(-3_600_000);
  await house.tick();
  expect(await house.startedOf(id)).toEqual(started);
  house.clock.advance(3_600_000);
  for (let looks = 0; looks < 4; looks += 1) {
    for (const device of await house.startedOf(id)) await house.answer(device, 'SUCCEEDED');
    await house.tick();
  }
  expect((await house.read(id)).waves[0]?.state).toBe('SOAKING');
  house.clock.advance(-86_400_000);
  await house.tick();
  expect((await house.read(id)).waves[0]?.state).toBe('SOAKING');
  house.clock.advance(86_400_000 + 600_000);
  await house.tick();
  expect(await house.read(id)).toMatchObject({ state: 'COMPLETED' });
});

test('a database that restarts mid-wave stops nothing: the server goes on, and the rollout is exact', async () => {
  const devices = await house.channelOf('restarted', 6);
  const { id } = await house.make('restarted', { waves: CANARY, inFlight: 2 });
  await house.order(id, 'start');
  const name = new URL(house.database.url).pathname.slice(1);
  const killer = postgres(house.database.url.replace(/[^/]*$/, 'postgres'), { max: 1 });
  let kills = 0;
  const persist = async <T>(run: () => Promise<T>): Promise<T> => {
    for (let attempts = 0; attempts < 50; attempts += 1)
      try {
        return await run();
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    return run();
  };
  for (let looks = 0; looks < 60; looks += 1) {
    const looking = tickOnce(house.deps).catch(() => undefined);
    if (looks % 2 === 0) {
      await new Promise((resolve) => setTimeout(resolve, looks % 7));
      kills += (await killer`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`)
        .length;
    }
    await looking;
    if ((await persist(() => house.read(id))).state === 'COMPLETED') break;
    for (const device of await persist(() => house.startedOf(id)))
      await persist(() => house.answer(device, 'SUCCEEDED'));
  }
  await killer.end();
  // Last in this file: each connection of the pool finds out for itself.
  for (let uses = 0; uses < 20; uses += 1) await persist(() => house.read(id));
  expect(kills).toBeGreaterThan(3);
  expect(await house.read(id)).toMatchObject({ state: 'COMPLETED' });
  expect((await house.membersOf(id)).map(({ state }) => state)).toEqual(Array(6).fill('SUCCEEDED'));
  expect(await house.asked(devices)).toEqual(Array(6).fill('1.1.0'));
  const rows = await house.rows(
    sql`select count(*)::integer as times from executions where rollout = ${id} group by device`,
  );
  expect(rows.map(({ times }) => times)).toEqual(Array(6).fill(1));
}, 30_000);
