/** Which person an identity of the single sign-on is: bound by a verified address once, then by its subject. */
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { auditRow } from '../audit/index.ts';
import { onlyRow } from '../db/failures.ts';
import { instant } from '../db/values.ts';
import { ADMIN } from './people.ts';
import type { Identity } from './sso.ts';

/**
 * The address of the person, in one statement that binds the identity if it is new. Null when nobody was
 * invited by this address, or the one who was is bound to another subject: addresses are given to new
 * people, subjects never. The local admin is nobody's identity.
 */
export async function personOf(
  db: PostgresJsDatabase,
  { issuer, subject, email }: Identity,
  { source, at }: { source: string; at: number },
): Promise<string | null> {
  const provider = `oidc:${issuer}`;
  const event = {
    actor: { audit: 'server', source },
    at,
    action: 'person.sso-bound',
    subject: sql`'person:' || bound.user_id`,
    after: { issuer, subject },
  };
  const rows = await db.execute<{ email: string | null }>(sql`
    with known as (
      select u.id, u.email from accounts a join users u on u.id = a.user_id
      where a.provider_id = ${provider} and a.account_id = ${subject}
    ), invited as (
      select u.id, u.email from users u
      where u.email = ${email ?? null}::text and u.id <> ${ADMIN.id} and not exists (select 1 from known)
        and not exists (select 1 from accounts a where a.user_id = u.id and a.provider_id = ${provider})
    ), bound as (
      insert into accounts (id, account_id, provider_id, user_id, created_at, updated_at)
      select ${randomUUID()}, ${subject}, ${provider}, id, ${instant(at)}, ${instant(at)} from invited
      on conflict do nothing returning user_id
    ), verified as (
      -- else better-auth takes the identity away again at the first link, as one that nobody proved
      update users u set email_verified = true from bound where u.id = bound.user_id
    ), audited as (${auditRow(event, sql`bound`)})
    select coalesce(
      (select email from known),
      (select email from invited join bound on bound.user_id = invited.id)) as email`);
  return onlyRow(rows).email;
}
