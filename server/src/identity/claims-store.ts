/** The statements of claim tokens beside their making and their use (store.ts). */
import type { ClaimView } from '@wafer/protocol';
import { desc, sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { auditRow, type AuditActor } from '../audit/index.ts';
import { instant } from '../db/values.ts';
import { claims } from './tables.ts';

type Db = PostgresJsDatabase;

const MOST = 200;

/** Those that work at `at` first, then the newest. */
export async function listClaims(db: Db, at: number): Promise<ClaimView[]> {
  const works = sql`${claims.revoked} is null and ${claims.usesLeft} > 0 and ${claims.expires} > ${instant(at)}`;
  const rows = await db
    .select()
    .from(claims)
    .orderBy(desc(works), desc(claims.created), claims.id)
    .limit(MOST);
  return rows.map(({ id, name, usesLeft, created, madeBy, expires, revoked, channels, group, tags }) => ({
    id,
    name,
    usesLeft,
    created: created.toISOString(),
    madeBy,
    expires: expires.toISOString(),
    revoked: revoked?.toISOString() ?? null,
    channels,
    group,
    tags,
  }));
}

/** `missing` when there is no such claim; `already` changed nothing. */
export async function revokeClaim(
  db: Db,
  id: string,
  actor: AuditActor,
  at: number,
): Promise<'revoked' | 'already' | 'missing'> {
  const after = sql`jsonb_build_object('usesLeft', revoked.uses_left)`;
  const rows = await db.execute<{ outcome: 'revoked' | 'already' }>(sql`
    with revoked as (
      update claims set revoked = ${instant(at)} where id = ${id} and revoked is null returning id, uses_left
    ), audited as (${auditRow({ actor, at, action: 'claim.revoked', subject: id, after }, sql`revoked`)})
    select 'revoked' as outcome from revoked
    union all
    select 'already' from claims where id = ${id} and revoked is not null`);
  return rows[0]?.outcome ?? 'missing';
}
