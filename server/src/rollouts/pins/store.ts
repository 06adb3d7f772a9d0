/** SQL of pins and rests. */
import { WaferError, type AppName, type Approved, type ChannelName, type DeviceId } from '@wafer/protocol';
import { and, eq, sql, type SQL } from 'drizzle-orm';
import { auditRow, type AuditActor } from '../../audit/index.ts';
import type { Deps } from '../../deps.ts';
import { instant, jsonb } from '../../db/values.ts';
import { alignment } from '../align.ts';
import { untilNoDeadlock } from '../again.ts';
import { pins } from '../tables.ts';

export type PinRow = typeof pins.$inferSelect;
type Needs = Pick<Deps, 'db' | 'clock'>;

export interface Place {
  readonly device: DeviceId;
  readonly app: AppName;
}

export async function readPin(db: Deps['db'], { device, app }: Place): Promise<PinRow | undefined> {
  const [row] = await db
    .select()
    .from(pins)
    .where(and(eq(pins.device, device), eq(pins.app, app)));
  return row;
}

/**
 * The channel that the device has the app from, or its first one. Throws device.not-found, and
 * request.invalid for a device without channels.
 */
export async function channelOf(db: Deps['db'], { device, app }: Place): Promise<ChannelName> {
  const [row] = await db.execute<{ channel: ChannelName | null }>(sql`
    select coalesce(
      (select s.channel from unnest(d.channels) with ordinality as s(channel, rank)
        join channel_apps c on c.channel = s.channel and c.app = ${app} order by s.rank limit 1),
      d.channels[1]) as channel
    from devices d where d.id = ${device} and d.revoked is null`);
  if (row === undefined) throw new WaferError('device.not-found', `There is no device ${device}.`);
  if (row.channel === null)
    throw new WaferError(
      'request.invalid',
      `${device} subscribes to no channel, so nothing is pinned on it.`,
    );
  return row.channel;
}

const pinned = (of: SQL): SQL =>
  sql`jsonb_build_object('version', ${of}.version, 'grants', ${of}.grants, 'reason', ${of}.reason)`;

/** The CTE `pin_changed` with all that follows from it; undefined when somebody was faster. */
async function change(
  deps: Needs,
  changed: SQL,
  { actor, action, place }: { actor: AuditActor; action: 'device.pinned' | 'device.unpinned'; place: Place },
): Promise<number | undefined> {
  const at = deps.clock.now();
  const subject = place.device;
  const said = pinned(sql`pin_changed`);
  const values = action === 'device.pinned' ? { after: said } : { before: said };
  const [row] = await untilNoDeadlock(() =>
    deps.db.execute<{ revision: number }>(sql`
      with pin_changed as (${changed}),
      ${alignment({ changed: 'pins' }, at)},
      audited as (${auditRow({ actor, at, action, subject, ...values }, sql`pin_changed`)})
      select revision from pin_changed`),
  );
  return row?.revision;
}

export interface Pin extends Place {
  readonly channel: ChannelName;
  /** Undefined when there was none. */
  readonly read: PinRow | undefined;
  readonly approved: Approved;
  readonly reason: string | null;
}

/** The new revision; undefined when it was changed since it was read. */
export function storePin(deps: Needs, pin: Pin, actor: AuditActor): Promise<number | undefined> {
  const { device, app, channel, read, approved, reason } = pin;
  return change(
    deps,
    sql`
      insert into pins as p
        (device, app, channel, version, grants, config, limits, isolation, triggers, health, at, by, reason, revision)
      values (${device}, ${app}, ${channel}, ${approved.version}, ${jsonb(approved.grants)},
        ${jsonb(approved.config)}, ${jsonb(approved.limits)}, ${approved.isolation}, ${jsonb(approved.triggers)},
        ${jsonb(approved.health)}, ${instant(deps.clock.now())}, ${actor.audit}, ${reason}, 1)
      on conflict (device, app) do update
      set channel = excluded.channel, version = excluded.version, grants = excluded.grants,
        config = excluded.config, limits = excluded.limits, isolation = excluded.isolation,
        triggers = excluded.triggers, health = excluded.health, at = excluded.at, by = excluded.by,
        reason = excluded.reason, revision = p.revision + 1
      where p.revision = ${read?.revision ?? 0}
      returning p.*, true as holds`,
    { actor, action: 'device.pinned', place: pin },
  );
}

/** Undefined when it was changed since it was read. */
export const removePin = (
  deps: Needs,
  { device, app, revision }: Pick<PinRow, 'device' | 'app' | 'revision'>,
  actor: AuditActor,
): Promise<number | undefined> =>
  change(
    deps,
    sql`delete from pins p where p.device = ${device} and p.app = ${app} and p.revision = ${revision}
      returning p.*, false as holds`,
    { actor, action: 'device.unpinned', place: { device, app } },
  );

/** False when it did not rest. */
export async function endRest(deps: Needs, device: DeviceId, actor: AuditActor): Promise<boolean> {
  const at = deps.clock.now();
  const before = sql`jsonb_build_object('until', woken.until, 'why', woken.why)`;
  const rows = await deps.db.execute(sql`
    with woken as (
      update device_rests r set until = ${instant(at)} from device_rests before
      where before.device = ${device} and before.until > ${instant(at)} and r.device = before.device
      returning r.device, before.until, r.why
    ),
    audited as (${auditRow({ actor, at, action: 'device.rest-ended', subject: device, before }, sql`woken`)})
    select device from woken`);
  return rows.length === 1;
}
