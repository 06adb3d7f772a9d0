/** Health, log lines and guests' messages into Postgres; each takes many rows as one statement. */
import type { AppName, DeviceId, HealthReport, LogLevel } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { jsonb } from '../db/values.ts';

type Db = PostgresJsDatabase;

export interface HealthRow {
  readonly device: DeviceId;
  /** ISO 8601. */
  readonly received: string;
  readonly body: HealthReport;
}

/**
 * Stores reports and remembers that the devices were heard. A device that was taken for silent is
 * online again, unless it went after the report came. Returns those that came back.
 */
export async function storeHealth(db: Db, rows: readonly HealthRow[]): Promise<DeviceId[]> {
  const back = await db.execute<{ id: DeviceId }>(sql`
    with input as materialized (
      select i.* from jsonb_to_recordset(${jsonb(rows)}) as i(device text, received timestamptz, body jsonb)
      join devices d on d.id = i.device
    ), stored as (
      insert into health_reports (device, received, body)
      select device, received, body from input on conflict do nothing
    ), heard as (
      select device, max(received) as received from input group by device
    ), seen as (
      update devices d set last_seen = greatest(d.last_seen, h.received)
      from heard h where d.id = h.device and d.online
    ), back as (
      update devices d set last_seen = greatest(d.last_seen, h.received), online = true
      from heard h
      where d.id = h.device and not d.online and d.revoked is null and not exists (
        select 1 from device_events e
        where e.device = d.id and e.kind = 'offline' and e.at >= h.received)
      returning d.id, h.received
    ), told as (
      insert into device_events (device, at, kind, text)
      select id, received, 'online', 'Heard again' from back
    )
    select id from back`);
  return back.map(({ id }) => id);
}

export interface LogRow {
  readonly device: DeviceId;
  readonly app: AppName;
  /** ISO 8601. */
  readonly at: string;
  readonly level: LogLevel;
  readonly text: string;
}

export async function storeLogs(db: Db, rows: readonly LogRow[]): Promise<void> {
  const ordered = rows.map((row, ordinal) => ({ ...row, ordinal }));
  await db.execute(sql`
    insert into log_lines (device, app, at, level, text)
    select i.device, i.app, i.at, i.level, i.text
    from jsonb_to_recordset(${jsonb(ordered)})
      as i(ordinal int, device text, app text, at timestamptz, level text, text text)
    join devices d on d.id = i.device
    order by i.ordinal`);
}

export interface GuestRow {
  readonly device: DeviceId;
  readonly app: AppName;
  readonly topic: string;
  readonly payload: Buffer;
  /** ISO 8601. */
  readonly at: string;
}

/** Topics of one app on one device that are kept; messages on further ones are not stored. */
const MAX_GUEST_TOPICS = 100;

/** Keeps the last message of each topic. `rows` must not name a topic twice. */
export async function storeGuestMessages(db: Db, rows: readonly GuestRow[]): Promise<void> {
  const encoded = rows.map((row) => ({ ...row, payload: row.payload.toString('base64') }));
  await db.execute(sql`
    with input as materialized (
      select i.*, m.topic is not null as is_known
      from jsonb_to_recordset(${jsonb(encoded)})
        as i(device text, app text, topic text, payload text, at timestamptz)
      join devices d on d.id = i.device
      left join guest_messages m on m.device = i.device and m.app = i.app and m.topic = i.topic
    ), counted as (
      select i.*,
        row_number() over (partition by i.device, i.app, i.is_known order by i.topic) +
        (select count(*) from guest_messages m where m.device = i.device and m.app = i.app) as place
      from input i
    )
    insert into guest_messages (device, app, topic, payload, at)
    select device, app, topic, decode(payload, 'base64'), at from counted
    where is_known or place <= ${MAX_GUEST_TOPICS}::int
    on conflict (device, app, topic) do update set payload = excluded.payload, at = excluded.at
    where guest_messages.at <= excluded.at`);
}
