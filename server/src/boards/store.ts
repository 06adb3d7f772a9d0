/** The statements of boards. */
import { HardwareRun, type BoardsOfArch, type DeviceId, type HardwareRunView } from '@wafer/protocol';
import { desc, lt, sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { auditRow, type AuditActor } from '../audit/index.ts';
import { instant, jsonb } from '../db/values.ts';
import { hardwareRuns } from './tables.ts';

type Db = PostgresJsDatabase;

const KEPT_RUNS = 200;
const FAILING_SHOWN = 20;

/** Stores a run, and lets go of the oldest. */
export async function insertRun(
  db: Db,
  run: HardwareRun,
  actor: AuditActor,
  now: number,
): Promise<HardwareRunView> {
  const { at, agent, identical } = run;
  const [row] = await db.execute<{ id: string }>(sql`
    with published as (
      insert into hardware_runs (published, published_by, run)
      values (${instant(now)}, ${actor.audit}, ${jsonb(run)})
      returning id
    ), forgotten as (
      delete from hardware_runs where id <= (
        select id from hardware_runs order by id desc offset ${KEPT_RUNS - 1} limit 1)
    ), audited as (
      ${auditRow(
        {
          actor,
          at: now,
          action: 'hardware-run.published',
          subject: sql`published.id::text`,
          after: { at, agent, identical },
        },
        sql`published`,
      )}
    )
    select id::text from published`);
  return { ...run, id: row!.id, published: new Date(now).toISOString(), by: actor.audit };
}

/** Newest first, below `before`. */
export async function listRuns(
  db: Db,
  before: number | undefined,
  limit: number,
): Promise<HardwareRunView[]> {
  const rows = await db
    .select()
    .from(hardwareRuns)
    .where(before === undefined ? undefined : lt(hardwareRuns.id, before))
    .orderBy(desc(hardwareRuns.id))
    .limit(limit);
  return rows.map(({ id, published, by, run }) => ({
    ...HardwareRun.parse(run),
    id: `${id}`,
    published: published.toISOString(),
    by,
  }));
}

/** Devices that are not revoked, by architecture. */
export async function readBoards(db: Db): Promise<BoardsOfArch[]> {
  const [counts, failing] = await Promise.all([
    db.execute<Omit<BoardsOfArch, 'failing'>>(sql`
      select arch, count(*)::integer as devices,
        count(*) filter (where online)::integer as online,
        count(*) filter (where self_test->'passed' = 'true')::integer as passed,
        count(*) filter (where self_test->'passed' = 'false')::integer as failed,
        count(*) filter (where self_test is null)::integer as unknown
      from devices where revoked is null group by arch order by arch`),
    db.execute<{ arch: string; id: DeviceId; name: string; tests: string[] }>(sql`
      select arch, id, name, (
        select coalesce(jsonb_agg(t->>'test'), '[]') from jsonb_array_elements(self_test->'tests') t
        where t->'passed' = 'false') as tests
      from (
        select arch, id, name, self_test, row_number() over (partition by arch order by name, id) as nth
        from devices where revoked is null and self_test->'passed' = 'false'
      ) as failed where nth <= ${FAILING_SHOWN} order by name, id`),
  ]);
  return counts.map((count) => ({
    ...count,
    failing: failing.flatMap(({ arch, ...device }) => (arch === count.arch ? [device] : [])),
  }));
}
