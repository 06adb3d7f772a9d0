/**
 * The statements of API tokens; each change is one, with its audit event. A token that a person made is
 * that person's: it goes with its owner (people-store.ts), and acts as the lesser of its role and the owner's,
 * as they are at that moment. One without an owner is the machine's.
 */
import type { Role, TokenView } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { auditRow, type AuditActor } from '../audit/index.ts';
import { onlyRow } from '../db/failures.ts';
import { instant, isoInstant, textArray } from '../db/values.ts';
import { lesserRole } from '../http/auth.ts';

type Db = PostgresJsDatabase;

export interface NewToken {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Id of a person; null: the machine's. */
  readonly owner: string | null;
  readonly hash: string;
  /** ms since 1970; null: never. */
  readonly expires: number | null;
  readonly scopes: readonly string[] | null;
}

const orNull = <T>(value: T | null, write: (value: T) => SQL): SQL =>
  value === null ? sql`null` : write(value);

/** What an event says of a token that is gone: rows of `api_tokens` by this name. */
export const saidOfToken = (row: SQL): SQL =>
  sql`jsonb_build_object('name', ${row}.name, 'role', ${row}.role, 'owner', ${row}.owner)`;

/** Fails when the owner is gone. */
export async function insertToken(db: Db, token: NewToken, actor: AuditActor, at: number): Promise<void> {
  const { id, name, role, owner, hash, scopes } = token;
  const expires = token.expires === null ? null : new Date(token.expires).toISOString();
  const after = { name, role, owner, scopes, expires };
  await db.execute(sql`
    with made as (
      insert into api_tokens (id, name, role, owner, hash, created, expires, scopes)
      values (${id}, ${name}, ${role}, ${owner}, ${hash}, ${instant(at)}, ${orNull(token.expires, instant)},
              ${orNull(scopes, textArray)})
    )
    ${auditRow({ actor, at, action: 'token.created', subject: id, after })}`);
}

interface TokenRow extends Record<string, unknown> {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly owner: { readonly id: string; readonly name: string; readonly role: Role } | null;
  readonly scopes: string[] | null;
  readonly created: string;
  readonly expires: string | null;
  readonly lastUsed: string | null;
}

/** Everybody's, or one person's. */
export async function listTokens(db: Db, owner?: string): Promise<TokenView[]> {
  const rows = await db.execute<TokenRow>(sql`
    select t.id, t.name, t.role, t.scopes, t.created, t.expires, t.last_used as "lastUsed",
      case when u.id is not null then jsonb_build_object('id', u.id, 'name', u.name, 'role', u.role) end as owner
    from api_tokens t left join users u on u.id = t.owner
    where ${owner ?? null}::text is null or t.owner = ${owner ?? null}
    order by t.created, t.id`);
  return rows.map(({ id, name, role, owner: whose, scopes, created, expires, lastUsed }) => ({
    id,
    name,
    role,
    owner: whose && { id: whose.id, name: whose.name },
    effectiveRole: whose === null ? role : lesserRole(role, whose.role),
    scopes,
    created: isoInstant(created),
    expires: expires && isoInstant(expires),
    lastUsed: lastUsed && isoInstant(lastUsed),
  }));
}

/** False when there was none; with `owner`, only one of that person's. */
export async function deleteToken(
  db: Db,
  { id, owner }: { id: string; owner?: string },
  actor: AuditActor,
  at: number,
): Promise<boolean> {
  const before = saidOfToken(sql`gone`);
  const rows = await db.execute(sql`
    with gone as (
        delete from api_tokens where id = ${id} and (${owner ?? null}::text is null or owner = ${owner ?? null})
        returning id, name, role, owner
      ),
      audited as (${auditRow({ actor, at, action: 'token.deleted', subject: id, before }, sql`gone`)})
    select id from gone`);
  return rows.length === 1;
}

export interface TokenHolder {
  readonly name: string;
  readonly role: Role;
  /** Id of the person whose it is; null: the machine's. */
  readonly person: string | null;
  /** Null: whatever the role may. */
  readonly scopes: readonly string[] | null;
}

interface Found extends TokenHolder {
  readonly ownerRole: Role | null;
}

/**
 * What a token stands for; remembers that it was used, to the minute. The statement gives a row whatever it
 * finds, so that an answer which was lost with its connection is never read as "no such token".
 */
export async function useToken(db: Db, hash: string, at: number): Promise<TokenHolder | undefined> {
  const rows = await db.execute<{ found: Found | null }>(sql`
    with found as (
        select t.id, t.name, t.role, t.owner, t.scopes, t.last_used, u.role as owner_role
        from api_tokens t left join users u on u.id = t.owner
        where t.hash = ${hash} and (t.expires is null or t.expires > ${instant(at)})
      ),
      touched as (
        update api_tokens set last_used = ${instant(at)} from found
        where api_tokens.id = found.id
          and (found.last_used is null or found.last_used < ${instant(at)} - interval '1 minute')
      )
    select (select jsonb_build_object('name', name, 'role', role, 'scopes', scopes, 'person', owner,
      'ownerRole', owner_role) from found) as found`);
  const { found } = onlyRow(rows);
  if (found === null) return undefined;
  const { name, role, person, scopes, ownerRole } = found;
  return { name, person, scopes, role: ownerRole === null ? role : lesserRole(role, ownerRole) };
}
