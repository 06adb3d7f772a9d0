/** What pages read: series that are thinned where they lie, lists by cursor. */
import {
  Minutes,
  type AppName,
  type DeviceId,
  type GuestMessage,
  type HealthReport,
  type LogLevel,
} from '@wafer/protocol';
import { isUtf8 } from 'node:buffer';
import { eq, sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { instant, isoInstant } from '../db/values.ts';
import { guestMessages } from './tables.ts';

type Db = PostgresJsDatabase;

const MAX_POINTS = 500;

/**
 * Oldest first. Where there are more than 500, the last report of each of 500 equal spans. That is
 * decided on the primary key alone; only the reports that are shown are read.
 */
export async function readHealth(
  db: Db,
  device: DeviceId,
  minutes: number,
  now: number,
): Promise<HealthReport[]> {
  const end = instant(now);
  const span = Minutes(minutes) / MAX_POINTS;
  const rows = await db.execute<{ body: HealthReport }>(sql`
    with known as (
      select received, count(*) over () as total,
             floor(extract(epoch from (${end} - received)) * 1000 / ${span}::float8) as span
      from health_reports
      where device = ${device} and received > ${instant(now - Minutes(minutes))} and received <= ${end}
    ), marks as (
      select max(received) as received from known
      group by case when total > ${MAX_POINTS}::int then span else extract(epoch from received) end
    )
    select h.body from marks join health_reports h on h.device = ${device} and h.received = marks.received
    order by h.received`);
  return rows.map(({ body }) => body);
}

export interface StoredLine {
  readonly id: number;
  readonly app: AppName;
  readonly at: string;
  readonly level: LogLevel;
  readonly text: string;
}

/** Newest first, below `before`. */
export async function readLogs(
  db: Db,
  device: DeviceId,
  before: number | undefined,
  limit: number,
): Promise<StoredLine[]> {
  const rows = await db.execute<{ id: string; app: AppName; at: string; level: LogLevel; text: string }>(sql`
    select id, app, at, level, text from log_lines
    where device = ${device} and (${before ?? null}::bigint is null or id < ${before ?? null}::bigint)
    order by id desc limit ${limit}`);
  return rows.map((row) => ({ ...row, id: Number(row.id), at: isoInstant(row.at) }));
}

export async function readLatestHealth(db: Db, device: DeviceId): Promise<HealthReport | null> {
  const [row] = await db.execute<{ body: HealthReport }>(sql`
    select body from health_reports where device = ${device} order by received desc limit 1`);
  return row?.body ?? null;
}

/** As text where it is text, as a data URL where it is not. */
const readable = (payload: Buffer): string =>
  isUtf8(payload) ? payload.toString('utf8') : `data:;base64,${payload.toString('base64')}`;

/** The last message of each topic, by app and topic. */
export async function readGuestMessages(db: Db, device: DeviceId): Promise<GuestMessage[]> {
  const rows = await db
    .select()
    .from(guestMessages)
    .where(eq(guestMessages.device, device))
    .orderBy(guestMessages.app, guestMessages.topic);
  return rows.map(({ app, topic, payload, at }) => ({
    app,
    topic,
    payload: readable(payload),
    at: at.toISOString(),
  }));
}

export async function deviceExists(db: Db, device: DeviceId): Promise<boolean> {
  return (await db.execute(sql`select 1 from devices where id = ${device}`)).length === 1;
}
