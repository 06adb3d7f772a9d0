/** Many reports of one device in one statement come to what they would come to one by one. */
import { randomUUID } from 'node:crypto';
import type { DeviceId, Report } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { storeReports } from '../src/telemetry/report-store.ts';
import { newDeviceId } from './releases-fleet.ts';
import { freshDatabase, readStored, type TestDatabase } from './harness.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const NOW = Date.parse('2026-11-21T09:00:00.000Z');
const AT = new Date(NOW).toISOString();
const rows = <Row extends Record<string, unknown>>(query: ReturnType<typeof sql>) =>
  readStored<Row>(database.db, query);

type Said =
  | { readonly kind: 'execution'; readonly state: string; readonly fault: boolean }
  | { readonly kind: 'apps'; readonly version: string };

async function deviceWith(execution: string): Promise<DeviceId> {
  const id = newDeviceId();
  await database.db.execute(
    sql`insert into devices (id, name, arch, enrolled) values (${id}, 'b', 'x64', now())`,
  );
  await database.db.execute(sql`insert into executions (id, device, app, version, state, created, updated)
    values (${execution}, ${id}, 'thermo', '1.0.0', 'QUEUED', now(), now())`);
  return id;
}

function reportsOf(execution: string, said: readonly Said[]): Report[] {
  return said.map((one, index) => {
    const event =
      one.kind === 'apps'
        ? {
            kind: 'apps',
            at: AT,
            apps: [{ app: 'thermo', version: one.version, digest: 'a'.repeat(64), state: 'running' }],
          }
        : {
            kind: 'execution',
            at: AT,
            execution,
            app: 'thermo',
            version: '1.0.0',
            state: one.state,
            ...(one.state === 'IN_PROGRESS' && { stage: 'starting' }),
            ...(one.fault && { fault: { kind: 'trap', message: `at ${index}` } }),
          };
    return { number: index + 1, event } as Report;
  });
}

/** All that reports lead to, without what is random. */
async function outcome(device: DeviceId): Promise<unknown> {
  return {
    executions: await rows(sql`select state, stage, fault from executions where device = ${device}`),
    apps: await rows(sql`select app, version from device_apps where device = ${device}`),
    acked: await rows(sql`select acked_report from devices where id = ${device}`),
    ended:
      await rows(sql`select text from device_events where device = ${device} and state in ('SUCCEEDED', 'FAILED')
      order by id limit 1`),
  };
}

const said: fc.Arbitrary<Said> = fc.oneof(
  fc.record({
    kind: fc.constant('execution' as const),
    state: fc.constantFrom('IN_PROGRESS', 'IN_PROGRESS', 'SUCCEEDED', 'FAILED'),
    fault: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('apps' as const), version: fc.constantFrom('1.0.0', '2.0.0') }),
);

test('whatever a device says, in one batch or one by one, it comes to the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(said, { minLength: 1, maxLength: 8 }), async (list) => {
      const [whole, single] = [randomUUID(), randomUUID()];
      const [atOnce, oneByOne] = [await deviceWith(whole), await deviceWith(single)];
      await storeReports(
        database.db,
        reportsOf(whole, list).map((report) => ({ device: atOnce, report })),
        NOW,
      );
      for (const report of reportsOf(single, list))
        await storeReports(database.db, [{ device: oneByOne, report }], NOW);
      expect(await outcome(atOnce)).toEqual(await outcome(oneByOne));
    }),
    { numRuns: 40 },
  );
});
