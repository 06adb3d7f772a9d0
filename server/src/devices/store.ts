/** The statements of devices: each is one, carries its timeline row, and says whether it changed anything. */
import type { DeviceId, Hello, UpdateDevice } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { auditRow, type AuditActor } from '../audit/index.ts';
import { instant, jsonb, textArray } from '../db/values.ts';

type Db = PostgresJsDatabase;

/**
 * What a device says of itself. A device without a name of its own takes the host's. The timeline
 * gets a row only when the device was not online. False for a device that is unknown or revoked.
 */
export async function recordHello(db: Db, device: DeviceId, hello: Hello, now: number): Promise<boolean> {
  const text = `Online with agent ${hello.agent} on ${hello.arch}`;
  const rows = await db.execute(sql`
    with before as (
      select id, online from devices where id = ${device} and revoked is null for update
    ), changed as (
      update devices d
      set online = true, last_seen = greatest(d.last_seen, ${instant(now)}), arch = ${hello.arch},
          inventory = ${jsonb(hello)},
          name = case when d.name in ('', d.id) and ${hello.hostname}::text <> '' then ${hello.hostname} else d.name end
      from before where d.id = before.id
      returning d.id
    ), told as (
      insert into device_events (device, at, kind, text)
      select id, ${instant(now)}, 'online', ${text}::text from before where not online
    )
    select id from changed`);
  return rows.length === 1;
}

/** Marks offline whoever fits; returns those who were online until now. */
async function markOffline(db: Db, which: SQL, text: string, now: number): Promise<DeviceId[]> {
  const rows = await db.execute<{ id: DeviceId }>(sql`
    with found as (
      select id from devices where online and ${which} order by id for update
    ), gone as (
      update devices d set online = false from found where d.id = found.id returning d.id
    ), told as (
      insert into device_events (device, at, kind, text)
      select id, ${instant(now)}, 'offline', ${text}::text from gone
    )
    select id from gone`);
  return rows.map(({ id }) => id);
}

/** The connection ended. False when the device was offline already. */
export const recordGone = async (db: Db, device: DeviceId, now: number): Promise<boolean> =>
  (await markOffline(db, sql`id = ${device}`, 'Offline: the connection ended', now)).length === 1;

export const recordSilent = (db: Db, silentSince: number, now: number): Promise<DeviceId[]> =>
  markOffline(
    db,
    sql`(last_seen is null or last_seen < ${instant(silentSince)})`,
    `Offline: not heard for ${Math.round((now - silentSince) / 1000)} seconds`,
    now,
  );

/** What an earlier process believed is not known any more; `connected` have a session with this one. */
export const recordRestart = (db: Db, connected: readonly DeviceId[], now: number): Promise<DeviceId[]> =>
  markOffline(db, sql`id <> all(${textArray(connected)})`, 'Offline: the server was restarted', now);

/** False when there is no such device. */
export async function updateDevice(
  db: Db,
  device: DeviceId,
  { name, tags }: UpdateDevice,
  actor: AuditActor,
  now: number,
): Promise<boolean> {
  const said = (of: SQL): SQL => sql`jsonb_build_object('name', ${of}.name, 'tags', ${of}.tags)`;
  const rows = await db.execute(sql`
    with before as (
      select id, name, tags from devices where id = ${device} and revoked is null for update
    ), changed as (
      update devices d
      set name = coalesce(${name ?? null}::text, d.name), tags = coalesce(${jsonb(tags)}, d.tags)
      from before where d.id = before.id
      returning d.id, d.name, d.tags
    ), audited as (
      ${auditRow(
        {
          actor,
          at: now,
          action: 'device.changed',
          subject: device,
          before: said(sql`before`),
          after: said(sql`changed`),
        },
        sql`changed join before on before.id = changed.id`,
      )}
    )
    select id from changed`);
  return rows.length === 1;
}
