import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { openDatabase } from '../src/db/client.ts';
import { isUnavailable, onlyRow } from '../src/db/failures.ts';
import { testApp, type TestApp } from './harness-app.ts';

let t: TestApp;
let killer: postgres.Sql;
beforeAll(async () => {
  t = await testApp();
  killer = postgres(inject('postgresUrl'), { max: 1, onnotice: () => undefined });
});
afterAll(async () => {
  await killer.end();
  await t.close();
});

/** What would take the process down. */
const escaped: unknown[] = [];
const note = (error: unknown): void => void escaped.push(error);
beforeEach(() => void process.on('uncaughtException', note).on('unhandledRejection', note));
afterEach(() => void process.off('uncaughtException', note).off('unhandledRejection', note));

/** Ends about two in three of the app’s connections, also those that are just being made; says how many. */
async function killSome(): Promise<number> {
  const name = new URL(t.database.url).pathname.slice(1);
  const gone = await killer`
    select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name} and random() < 0.7`;
  return gone.length;
}

it('backends killed at random under load: each promise settles, each change is whole or absent', async () => {
  const until = performance.now() + 3000;
  const acknowledged: string[] = [];
  const statuses = new Map<number, number>();
  let killed = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < until) {
      const answer = await t.app.inject({
        method: 'POST',
        url: '/api/v1/claim-tokens',
        headers: t.as('operator'),
        payload: { tags: { n: `${randomInt(1e9)}` } },
      });
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
      if (answer.statusCode === 201) acknowledged.push(answer.json().id);
      else expect(answer.json().code).toBe('server.unavailable');
    }
  };
  const assassin = async (): Promise<void> => {
    while (performance.now() < until) {
      killed += await killSome();
      await sleep(20);
    }
  };
  await Promise.all([assassin(), ...Array.from({ length: 20 }, client)]);

  expect(killed).toBeGreaterThan(10);
  expect(escaped).toEqual([]);
  expect([...statuses.keys()].every((status) => status === 201 || status === 503)).toBe(true);
  expect(acknowledged.length).toBeGreaterThan(20);
  const db = openDatabase(t.database.url);
  const claims = await db.db.execute<{ id: string }>(sql`select id from claims`);
  const events = await db.db.execute<{ id: string }>(
    sql`select subject as id from audit_events where action = 'claim.created'`,
  );
  await db.close();
  const stored = new Set(claims.map(({ id }) => id));
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  expect(new Set(events.map(({ id }) => id))).toEqual(stored);
  expect(events.length).toBe(stored.size);
});

it('the app serves again by itself once its backends are left alone', async () => {
  await killSome();
  await expect
    .poll(async () => (await t.app.inject({ url: '/healthz' })).statusCode, { timeout: 10_000 })
    .toBe(200);
});

it('a database that nobody listens at is unavailable, soon', async () => {
  const nowhere = openDatabase('postgres://wafer:wrong@127.0.0.1:1/none');
  const failure = await nowhere.db.execute(sql`select 1`).catch((error: unknown) => error);
  expect(isUnavailable(failure)).toBe(true);
  await nowhere.close();
});

it('a mistake in a statement is not taken for an absent database', async () => {
  // A pool of its own: the one of the app may still hold connections that were killed above.
  const fresh = openDatabase(t.database.url);
  const failure = await fresh.db.execute(sql`select nonsense`).catch((error: unknown) => error);
  await fresh.close();
  expect(failure).toBeInstanceOf(Error);
  expect(isUnavailable(failure)).toBe(false);
});

it('raw SQL gives arrays as arrays', async () => {
  const fresh = openDatabase(t.database.url);
  const [row] = await fresh.db.execute(
    sql`select array['a,b', 'c"d', '']::text[] as texts, array[]::text[] as none,
        array['3f1b5f0e-5f0c-4f57-9d0b-6f8f8f0c5d11']::uuid[] as ids`,
  );
  await fresh.close();
  expect(row).toEqual({
    texts: ['a,b', 'c"d', ''],
    none: [],
    ids: ['3f1b5f0e-5f0c-4f57-9d0b-6f8f8f0c5d11'],
  });
});

it('an answer that was lost is no answer, and not a no', () => {
  expect(onlyRow([{ owner: null }])).toEqual({ owner: null });
  const lost = (() => {
    try {
      return onlyRow([]);
    } catch (error) {
      return error;
    }
  })();
  expect(isUnavailable(lost)).toBe(true);
});
