/** A person's own password: hashed by scrypt (better-auth's), set in a session of that person. */
import { randomUUID } from 'node:crypto';
import { Minutes, WaferError, type Clock, type SetPassword } from '@wafer/protocol';
import { hashPassword, verifyPassword } from 'better-auth/crypto';
import { sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { auditRow, type AuditActor } from '../audit/index.ts';
import { onlyRow } from '../db/failures.ts';
import { instant } from '../db/values.ts';
import { clearAttempts, takeAttempt, type Attempt } from './attempts.ts';
import type { OwnSession } from './people.ts';

type Db = PostgresJsDatabase;

/** Whoever has just signed in, as with a link after forgetting it, needs no old password. */
const FRESH = Minutes(15);

async function readHash(db: Db, person: string): Promise<string | null> {
  const rows = await db.execute<{ password: string | null }>(sql`
    select (select password from accounts where provider_id = 'credential' and user_id = ${person}) as password`);
  return onlyRow(rows).password;
}

/**
 * Stores the hash if the old one is still `before`, ends every other session of the person, and says
 * so in the audit; false when somebody else was first.
 */
async function storeHash(
  db: Db,
  { person, session }: OwnSession,
  { before, hash }: { before: string | null; hash: string },
  { actor, at }: { actor: AuditActor; at: number },
): Promise<boolean> {
  const event = {
    actor,
    at,
    action: before === null ? 'person.password-set' : 'person.password-changed',
    subject: `person:${person}`,
    after: sql`jsonb_build_object('sessionsEnded', (select count(*) from ended))`,
  };
  const rows = await db.execute(sql`
    with made as (
      insert into accounts as a (id, account_id, provider_id, user_id, password, created_at, updated_at)
      values (${randomUUID()}, ${person}, 'credential', ${person}, ${hash}, ${instant(at)}, ${instant(at)})
      on conflict (provider_id, account_id) do update
        set password = excluded.password, updated_at = excluded.updated_at
        where a.password is not distinct from ${before}
      returning a.user_id
    ), ended as (
      delete from sessions s using made where s.user_id = made.user_id and s.id <> ${session} returning s.id
    ), audited as (${auditRow(event, sql`made`)})
    select user_id from made`);
  return rows.length === 1;
}

interface Parts {
  readonly db: Db;
  readonly clock: Clock;
}

/** Throws auth.locked-out, with the seconds to wait, before one guess too many. */
export async function countAttempt({ db, clock }: Parts, attempt: Attempt): Promise<void> {
  const until = await takeAttempt(db, attempt, clock.now());
  if (until === undefined) return;
  const seconds = Math.max(1, Math.ceil((until - clock.now()) / 1000));
  throw new WaferError('auth.locked-out', `Try again in ${seconds} s, or ask an admin for a sign-in link.`);
}

export async function setPassword(
  parts: Parts,
  own: OwnSession,
  { current, password }: SetPassword,
  actor: AuditActor & { readonly source: string },
): Promise<void> {
  const { db, clock } = parts;
  const before = await readHash(db, own.person);
  if (before !== null && (current !== undefined || own.begun < clock.now() - FRESH)) {
    const attempt = { email: own.email, source: actor.source };
    await countAttempt(parts, attempt);
    if (current === undefined || !(await verifyPassword({ hash: before, password: current })))
      throw new WaferError('auth.password-wrong', 'Send the current password too, or sign in anew first.');
    await clearAttempts(db, attempt);
  }
  const hash = await hashPassword(password);
  if (!(await storeHash(db, own, { before, hash }, { actor, at: clock.now() })))
    throw new WaferError('request.precondition-failed', 'The password was changed elsewhere meanwhile.');
}
