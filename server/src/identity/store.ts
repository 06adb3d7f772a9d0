/** The statements of identity. Each change is one, with its audit event and its timeline row. */
import { WaferError, type ChannelName, type DeviceId } from '@wafer/protocol';
import { eq, sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { auditRow, type AuditActor } from '../audit/index.ts';
import { instant, jsonb, textArray } from '../db/values.ts';
import { makeMissing } from '../groups/index.ts';
import type { IssuedCertificate } from './authority.ts';
import type { ClaimState } from './claims.ts';
import { claims } from './tables.ts';

type Db = PostgresJsDatabase;

export interface NewClaim {
  readonly id: string;
  readonly name: string | undefined;
  readonly secretHash: string;
  readonly uses: number;
  /** ms since 1970, as all instants here. */
  readonly expires: number;
  readonly channels: readonly ChannelName[];
  readonly group: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** Throws group.kind: nobody can be put in a dynamic group. */
export async function insertClaim(db: Db, claim: NewClaim, actor: AuditActor, at: number): Promise<void> {
  const { id, name, secretHash, uses, expires, channels, group, tags } = claim;
  const after = { name, uses, expires: new Date(expires).toISOString(), channels, group, tags };
  const rows = await db.execute(sql`
    with made as (
      insert into claims (id, name, secret_hash, uses_left, expires, created, made_by, channels, group_name, tags)
      select ${id}::uuid, ${name ?? null}::text, ${secretHash}::text, ${uses}::integer, ${instant(expires)},
        ${instant(at)}, ${actor.audit}::text, ${textArray(channels)}, ${group ?? null}::text, ${jsonb(tags)}
      where not exists (select 1 from groups where name = ${group ?? null}::text and kind = 'dynamic')
      returning id, group_name
    ), ${makeMissing(sql`made`, actor, at)},
    audited as (${auditRow({ actor, at, action: 'claim.created', subject: id, after }, sql`made`)})
    select id from made`);
  if (rows.length === 0)
    throw new WaferError('group.kind', `${group} is a dynamic group: its query says who is in it.`);
}

export async function findClaim(db: Db, secretHash: string): Promise<ClaimState | undefined> {
  const [claim] = await db
    .select({ usesLeft: claims.usesLeft, expires: claims.expires, revoked: claims.revoked })
    .from(claims)
    .where(eq(claims.secretHash, secretHash));
  return claim;
}

export interface NewDevice {
  readonly device: DeviceId;
  readonly name: string;
  readonly arch: string;
  readonly certificate: IssuedCertificate;
  readonly source: string;
}

/**
 * Takes one use of the claim, and with it the device, its certificate, its first timeline row and
 * the audit event. False when the claim gave no use; then nothing was stored.
 */
export async function enrolDevice(db: Db, secretHash: string, made: NewDevice, at: number): Promise<boolean> {
  const { device, name, arch, certificate, source } = made;
  const now = instant(at);
  const actor = { audit: `device:${device}`, source };
  const after = sql`jsonb_build_object('claim', claim.id, 'name', ${name}::text, 'arch', ${arch}::text,
    'serial', ${certificate.serial}::text, 'channels', claim.channels)`;
  const rows = await db.execute(sql`
    with claim as (
      update claims set uses_left = uses_left - 1
      where secret_hash = ${secretHash} and uses_left > 0 and expires > ${now} and revoked is null
      returning id, channels, group_name, tags
    ), device as (
      insert into devices (id, name, arch, group_name, tags, channels, enrolled)
      select ${device}::text, ${name}::text, ${arch}::text, case when not exists (
          select 1 from groups g where g.name = claim.group_name and g.kind = 'dynamic') then group_name end,
        tags, channels, ${now} from claim
      returning id
    ), ${makeMissing(sql`claim`, actor, at)}, certificate as (
      insert into certificates (serial, device, issued, expires, sealing_key)
      select ${certificate.serial}::text, id, ${instant(certificate.issued.getTime())},
             ${instant(certificate.expires.getTime())}, ${certificate.sealingKey}::text from device
    ), event as (
      insert into device_events (device, at, kind, text)
      select id, ${now}, 'enrolled', ${`Enrolled as ${name} (${arch})`}::text from device
    ), audited as (
      ${auditRow({ actor, at, action: 'device.enrolled', subject: device, after }, sql`claim`)}
    )
    select id from device`);
  return rows.length === 1;
}

/** `missing` when there is no such device; `already` changed nothing. */
export async function revokeDevice(
  db: Db,
  device: DeviceId,
  actor: AuditActor,
  at: number,
): Promise<'revoked' | 'already' | 'missing'> {
  const rows = await db.execute<{ outcome: 'revoked' | 'already' }>(sql`
    with revoked as (
      update devices set revoked = ${instant(at)} where id = ${device} and revoked is null returning id
    ), cut as (
      update certificates set revoked = ${instant(at)}
      from revoked where certificates.device = revoked.id and certificates.revoked is null
      returning serial
    ), audited as (
      ${auditRow(
        {
          actor,
          at,
          action: 'device.revoked',
          subject: device,
          after: sql`jsonb_build_object('certificates', (select coalesce(jsonb_agg(serial), '[]') from cut))`,
        },
        sql`revoked`,
      )}
    )
    select 'revoked' as outcome from revoked
    union all
    select 'already' from devices where id = ${device} and revoked is not null`);
  return rows[0]?.outcome ?? 'missing';
}
