/** What pages read of devices: a fixed number of queries, however many devices a page holds. */
import type { DeviceDetail, DeviceEvent, DeviceId, DeviceSummary } from '@wafer/protocol';
import { and, desc, eq, gt, inArray, isNull, lt, sql, type SQL } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { containing } from '../db/values.ts';
import { assignments, executions, readHolds } from '../rollouts/index.ts';
import { readGuestMessages, readLatestHealth } from '../telemetry/index.ts';
import { appsOf, summaryOf, type AppRows } from './device.ts';
import { deviceApps, deviceEvents, devices } from './tables.ts';

type Db = PostgresJsDatabase;

async function readApps(db: Db, ids: readonly DeviceId[]): Promise<AppRows> {
  if (ids.length === 0) return { running: [], desired: [], executions: [] };
  const among = [...ids];
  const [running, desired, latest] = await Promise.all([
    db.select().from(deviceApps).where(inArray(deviceApps.device, among)),
    db.select().from(assignments).where(inArray(assignments.device, among)),
    db
      .selectDistinctOn([executions.device, executions.app])
      .from(executions)
      .where(inArray(executions.device, among))
      .orderBy(executions.device, executions.app, desc(executions.created)),
  ]);
  return { running, desired, executions: latest };
}

export interface DeviceFilter {
  readonly q?: string | undefined;
  readonly online?: boolean | undefined;
  /** On a row `d` of devices. */
  readonly which?: SQL | undefined;
  /** The last id of the page before. */
  readonly after?: DeviceId | undefined;
}

/** `q` in any of the columns that people know a device by. */
function matching(q: string): SQL {
  const pattern = containing(q);
  return sql`(concat_ws(' ', ${devices.id}, ${devices.name}, ${devices.arch}, ${devices.group}) ilike ${pattern}
    or exists (select 1 from jsonb_each_text(${devices.tags}) t where t.key || '=' || t.value ilike ${pattern}))`;
}

/** By id. Revoked devices are not listed. */
export async function listDevices(db: Db, filter: DeviceFilter, limit: number): Promise<DeviceSummary[]> {
  const { q, online, which, after } = filter;
  const rows = await db
    .select()
    .from(devices)
    .where(
      and(
        isNull(devices.revoked),
        after === undefined ? undefined : gt(devices.id, after),
        online === undefined ? undefined : eq(devices.online, online),
        q === undefined || q === '' ? undefined : matching(q),
        which && sql`${devices.id} in (select d.id from devices d where ${which})`,
      ),
    )
    .orderBy(devices.id)
    .limit(limit);
  const ids = rows.map(({ id }) => id);
  const apps = appsOf(await readApps(db, ids));
  return rows.map((row) => summaryOf(row, apps.get(row.id) ?? []));
}

export async function readDevice(db: Db, id: DeviceId): Promise<DeviceDetail | undefined> {
  const [[row], apps, holds, latest, messages] = await Promise.all([
    db.select().from(devices).where(eq(devices.id, id)),
    readApps(db, [id]),
    readHolds(db, id),
    readLatestHealth(db, id),
    readGuestMessages(db, id),
  ]);
  if (row === undefined) return undefined;
  const { inventory, selfTest, desiredVersion } = row;
  return {
    ...summaryOf(row, appsOf(apps).get(id) ?? []),
    inventory,
    selfTest,
    desiredVersion,
    ...holds,
    latest,
    messages,
  };
}

/** Newest first, below `before`. */
export async function readEvents(
  db: Db,
  id: DeviceId,
  before: number | undefined,
  limit: number,
): Promise<DeviceEvent[]> {
  const rows = await db
    .select()
    .from(deviceEvents)
    .where(and(eq(deviceEvents.device, id), before === undefined ? undefined : lt(deviceEvents.id, before)))
    .orderBy(desc(deviceEvents.id))
    .limit(limit);
  return rows.map((row) => ({ ...row, id: `${row.id}`, at: row.at.toISOString() }));
}

export async function deviceExists(db: Db, id: DeviceId): Promise<boolean> {
  return (await db.select({ id: devices.id }).from(devices).where(eq(devices.id, id))).length === 1;
}
