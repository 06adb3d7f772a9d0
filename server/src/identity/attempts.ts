/**
 * Brute force: attempts to sign in are counted before the password is looked at, so that many at once
 * get no more guesses than one after the other. Of one person a few, from one address more; the window
 * begins with the first and is not made longer by what comes while it is closed. A link or single
 * sign-on still lets in whom somebody else locked out.
 */
import { createHash } from 'node:crypto';
import { Minutes } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { auditRow } from '../audit/index.ts';
import { onlyRow } from '../db/failures.ts';
import { instant } from '../db/values.ts';

const WINDOW = Minutes(15);
const OF_PERSON = 5;
/** Whoever comes through a tunnel or a proxy shares one. */
const FROM_ADDRESS = 100;

type Db = PostgresJsDatabase;

export interface Attempt {
  readonly email: string;
  /** Remote address. */
  readonly source: string;
}

const keyOf = (kind: 'person' | 'address', name: string): string =>
  `${kind}:${createHash('sha256').update(name).digest('hex')}`;

/** Counts one; gives when the next is allowed (ms since 1970) if this one is too many. */
export async function takeAttempt(
  db: Db,
  { email, source }: Attempt,
  at: number,
): Promise<number | undefined> {
  const person = keyOf('person', email);
  const address = keyOf('address', source);
  const opened = instant(at - WINDOW);
  const event = {
    actor: { audit: 'server', source },
    at,
    action: 'person.locked-out',
    subject: sql`'person:' || locked.id`,
    after: sql`jsonb_build_object('until', locked.since + ${WINDOW / 1000}::integer * interval '1 second')`,
  };
  const rows = await db.execute<{ since: string | null }>(sql`
    with taken as (
      insert into sign_in_attempts as a (key, count, since)
      values (${person}, 1, ${instant(at)}), (${address}, 1, ${instant(at)})
      on conflict (key) do update set
        count = case when a.since > ${opened} then a.count + 1 else 1 end,
        since = case when a.since > ${opened} then a.since else excluded.since end
      returning a.key, a.count, a.since
    ), locked as (
      select u.id, taken.since from taken join users u on u.email = ${email}::text
      where taken.key = ${person} and taken.count = ${OF_PERSON + 1}::integer
    ), audited as (${auditRow(event, sql`locked`)}),
    forgotten as (
      delete from sign_in_attempts where key in (
        select key from sign_in_attempts where since <= ${opened} and key not in (${person}, ${address})
        for update skip locked)
    )
    select max(since) as since from taken
    where count > case key when ${person} then ${OF_PERSON}::integer else ${FROM_ADDRESS}::integer end`);
  const { since } = onlyRow(rows);
  return since === null ? undefined : new Date(since).getTime() + WINDOW;
}

/**
 * It was the right password: the person's count is over, and this one does not count for the address.
 * The person's row is locked first, as when counting, so that the two never wait for each other.
 */
export async function clearAttempts(db: Db, { email, source }: Attempt): Promise<void> {
  await db.execute(sql`
    with cleared as (delete from sign_in_attempts where key = ${keyOf('person', email)} returning key)
    update sign_in_attempts set count = count - 1
    where key = ${keyOf('address', source)} and count > 0
      and (select count(*) from cleared) >= 0`);
}
