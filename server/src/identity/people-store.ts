/**
 * The statements of people: each is one, with its audit event. The last admin can neither be removed
 * nor made less, and the statement itself knows that: two admins who remove each other at the same
 * moment lock the same rows in the same order, and one of them finds nothing left to do.
 */
import type { PersonView, Role, SessionView } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { auditRow, type AuditActor } from '../audit/index.ts';
import { instant, isoInstant } from '../db/values.ts';
import { saidOfToken } from './tokens-store.ts';

type Db = PostgresJsDatabase;

export interface NewPerson {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
}

/** False when somebody has this address. */
export async function insertPerson(
  db: Db,
  { id, name, email, role }: NewPerson,
  actor: AuditActor,
  at: number,
): Promise<boolean> {
  const after = { name, email, role };
  const rows = await db.execute(sql`
    with made as (
      insert into users (id, name, email, email_verified, role, created_at, updated_at)
      values (${id}, ${name}, ${email}, false, ${role}, ${instant(at)}, ${instant(at)})
      on conflict do nothing returning id
    ), audited as (${auditRow({ actor, at, action: 'person.invited', subject: `person:${id}`, after }, sql`made`)})
    select id from made`);
  return rows.length === 1;
}

type Outcome = 'done' | 'missing' | 'last-admin';

/**
 * Rows of admins are locked first, in one order, so that what is counted stays true until the end.
 * `audited` are CTEs, each with its name.
 */
const withAdmins = (id: string, change: SQL, audited: SQL): SQL => sql`
  with admins as materialized (select id from users where role = 'admin' order by id for update),
    before as materialized (select * from users where id = ${id} for update),
    allowed as (
      select before.* from before
      where before.role <> 'admin' or (select count(*) from admins where id <> ${id}) > 0
    ),
    changed as (${change}),
    ${audited}
  select case when exists (select 1 from changed) then 'done'
              when exists (select 1 from before) then 'last-admin'
              else 'missing' end as outcome`;

const said = (row: SQL): SQL =>
  sql`jsonb_build_object('name', ${row}.name, 'email', ${row}.email, 'role', ${row}.role)`;

async function outcomeOf(db: Db, statement: SQL): Promise<Outcome> {
  const [row] = await db.execute<{ outcome: Outcome }>(statement);
  return row?.outcome ?? 'missing';
}

export const changeRole = (db: Db, id: string, role: Role, actor: AuditActor, at: number): Promise<Outcome> =>
  outcomeOf(
    db,
    withAdmins(
      id,
      sql`update users u set role = ${role}, updated_at = ${instant(at)} from before
          where u.id = before.id and (${role} = 'admin' or exists (select 1 from allowed))
          returning u.id, u.name, u.email, u.role`,
      sql`audited as (${auditRow(
        {
          actor,
          at,
          action: 'person.role-changed',
          subject: sql`'person:' || changed.id`,
          before: said(sql`before`),
          after: said(sql`changed`),
        },
        sql`changed join before on before.id = changed.id`,
      )})`,
    ),
  );

/** Sessions, ways to sign in and API tokens go with the person. */
export const removePerson = (db: Db, id: string, actor: AuditActor, at: number): Promise<Outcome> =>
  outcomeOf(
    db,
    withAdmins(
      id,
      sql`delete from users u using allowed where u.id = allowed.id returning u.id`,
      sql`tokens as (
        delete from api_tokens t using changed where t.owner = changed.id returning t.id, t.name, t.role, t.owner
      ), tokens_audited as (${auditRow(
        {
          actor,
          at,
          action: 'token.deleted',
          subject: sql`tokens.id::text`,
          before: saidOfToken(sql`tokens`),
        },
        sql`tokens`,
      )}), audited as (${auditRow(
        {
          actor,
          at,
          action: 'person.removed',
          subject: sql`'person:' || changed.id`,
          before: said(sql`before`),
        },
        sql`changed join before on before.id = changed.id`,
      )})`,
    ),
  );

export async function listPeople(db: Db, now: number): Promise<PersonView[]> {
  const rows = await db.execute<Omit<PersonView, 'created'> & { created: string }>(sql`
    select u.id, u.name, u.email, u.role, u.created_at as created,
      (select count(*)::integer from sessions s where s.user_id = u.id and s.expires_at > ${instant(now)}) as sessions
    from users u order by u.name, u.id`);
  return rows.map((row) => ({ ...row, created: isoInstant(row.created) }));
}

export async function findPerson(db: Db, id: string): Promise<NewPerson | undefined> {
  const [row] = await db.execute<NewPerson & Record<string, unknown>>(
    sql`select id, name, email, role from users where id = ${id}`,
  );
  return row;
}

/** Of everybody, or of one. */
export async function listSessions(db: Db, now: number, person?: string): Promise<SessionView[]> {
  const rows = await db.execute<Record<keyof SessionView, string>>(sql`
    select s.id, u.id as person, u.name, s.ip_address as source, s.user_agent as "userAgent",
      s.created_at as created, s.expires_at as expires
    from sessions s join users u on u.id = s.user_id
    where s.expires_at > ${instant(now)} and (${person ?? null}::text is null or u.id = ${person ?? null})
    order by s.created_at desc limit 1000`);
  return rows.map((row) => ({
    ...row,
    created: isoInstant(row.created),
    expires: isoInstant(row.expires),
  }));
}

/** False when there is none; with `person`, only a session of that one. */
export async function endSession(
  db: Db,
  id: string,
  person: string | undefined,
  actor: AuditActor,
  at: number,
): Promise<boolean> {
  const event = {
    actor,
    at,
    action: 'session.revoked',
    subject: sql`'person:' || gone.user_id`,
    before: sql`jsonb_build_object('session', gone.id, 'source', gone.ip_address, 'created', gone.created_at)`,
  };
  const rows = await db.execute(sql`
    with gone as (
      delete from sessions where id = ${id} and (${person ?? null}::text is null or user_id = ${person ?? null})
      returning id, user_id, ip_address, created_at
    ), audited as (${auditRow(event, sql`gone`)})
    select id from gone`);
  return rows.length === 1;
}
