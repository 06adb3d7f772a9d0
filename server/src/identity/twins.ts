/**
 * Clones: a key that left its board, or an image that was copied with the identity in it. Two boards
 * under one certificate show as two live sessions (mqtt/twin.ts); two under different ones by the
 * serial number of the board, or by a key that both have. Each is an audit event, once a day for the
 * same pair, and nothing is cut: which of the two is the board only its owner can say.
 */
import { Days, type CloneReason, type DeviceId } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import { auditRow } from '../audit/index.ts';
import { instant, jsonb } from '../db/values.ts';
import type { Deps } from '../deps.ts';
import type { DoubledSession } from '../mqtt/bus.ts';

const ONCE_IN = Days(1);
const ACTION = 'device.cloned';

const DOUBLED: CloneReason = 'two live sessions';
const SAME_SERIAL: CloneReason = 'the serial number of the board';
const SAME_KEY: CloneReason = 'the key';

type Parts = Pick<Deps, 'clock' | 'db' | 'log'>;

const notToldYet = (subject: SQL, twin: SQL, at: number): SQL => sql`not exists (
  select 1 from audit_events e where e.subject = ${subject} and e.action = ${ACTION}
    and e.at > ${instant(at - ONCE_IN)} and e.after->>'twin' = ${twin})`;

/** Two live sessions under one certificate name. Here the twin is the device itself. */
export async function auditDoubledSession(
  { clock, db, log }: Parts,
  device: DeviceId,
  { earlier, later }: DoubledSession,
): Promise<void> {
  const at = clock.now();
  const after = jsonb({ why: DOUBLED, twin: device, earlier, later });
  const actor = { audit: `device:${device}`, source: later.source };
  const rows = await db.execute(sql`
    with twin as (
      select id from devices where id = ${device} and ${notToldYet(sql`${device}::text`, sql`${device}::text`, at)}
    ), audited as (${auditRow({ actor, at, action: ACTION, subject: device, after }, sql`twin`)})
    select id from twin`);
  if (rows.length > 0) log.warn({ device, earlier, later }, 'two live sessions with one certificate');
}

/** After a hello: other boards, online now, that have its serial number or its key. */
export async function auditTwins({ clock, db, log }: Parts, device: DeviceId): Promise<void> {
  const at = clock.now();
  const after = sql`jsonb_build_object('why', twin.why, 'twin', twin.id)`;
  const rows = await db.execute<{ id: DeviceId; why: CloneReason }>(sql`
    with found as (
      select o.id, ${SAME_SERIAL}::text as why
      from devices d join devices o on o.inventory->>'serial' = d.inventory->>'serial'
      where d.id = ${device} and o.id <> d.id and o.online and o.revoked is null
      union all
      select o.id, ${SAME_KEY}::text as why
      from certificates mine join certificates its on its.sealing_key = mine.sealing_key
        join devices o on o.id = its.device
      where mine.device = ${device} and mine.revoked is null and its.revoked is null
        and o.id <> ${device} and o.online and o.revoked is null
    ), twin as (
      select id, min(why) as why from found where ${notToldYet(sql`${device}::text`, sql`found.id`, at)} group by id
    ), audited as (
      ${auditRow({ actor: { audit: `device:${device}`, source: null }, at, action: ACTION, subject: device, after }, sql`twin`)}
    )
    select id, why from twin`);
  for (const { id, why } of rows) log.warn({ device, twin: id, why }, 'two boards are one');
}
