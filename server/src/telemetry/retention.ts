/** How long telemetry is kept, and the sweep that forgets the rest, a bounded piece at a time. */
import { Days, Hours } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { Deps } from '../deps.ts';
import { instant } from '../db/values.ts';

const RETENTION = {
  health: Days(14),
  logs: Days(7),
  logLinesPerDevice: 10_000,
  /** Acknowledged reports; what they changed stays. */
  reports: Days(90),
} as const;

export const SWEEP_EVERY = Hours(1);

/** Rows that one statement deletes at most, so that none runs for long. */
const PIECE = 10_000;

type Db = PostgresJsDatabase;

async function inPieces(remove: () => Promise<number>): Promise<void> {
  while ((await remove()) === PIECE);
}

async function forgetHealth(db: Db, now: number): Promise<number> {
  const gone = await db.execute(sql`
    delete from health_reports where ctid = any(array(
      select ctid from health_reports where received < ${instant(now - RETENTION.health)} limit ${PIECE}))
    returning 1`);
  return gone.length;
}

async function forgetLogs(db: Db, now: number): Promise<number> {
  const gone = await db.execute(sql`
    with borders as materialized (
      select d.id as device, (
        select l.id from log_lines l where l.device = d.id
        order by l.id desc offset ${RETENTION.logLinesPerDevice}::int limit 1) as border
      from devices d
    )
    delete from log_lines where ctid = any(array(
      select l.ctid from log_lines l left join borders b on b.device = l.device
      where l.at < ${instant(now - RETENTION.logs)} or l.id <= b.border limit ${PIECE}))
    returning 1`);
  return gone.length;
}

async function forgetReports(db: Db, now: number): Promise<number> {
  const gone = await db.execute(sql`
    delete from reports where ctid = any(array(
      select r.ctid from reports r join devices d on d.id = r.device
      where r.received < ${instant(now - RETENTION.reports)} and r.number <= d.acked_report limit ${PIECE}))
    returning 1`);
  return gone.length;
}

/** Rejects when the database does not answer; what was forgotten by then is forgotten. */
export async function sweepTelemetry({ db, clock }: Pick<Deps, 'db' | 'clock'>): Promise<void> {
  const now = clock.now();
  await inPieces(() => forgetHealth(db, now));
  await inPieces(() => forgetLogs(db, now));
  await inPieces(() => forgetReports(db, now));
}
