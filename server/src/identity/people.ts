/**
 * People: better-auth keeps users and sessions, and makes the sign-in links (its magic-link plugin:
 * hashed in the database, consumed by one DELETE, so a link signs in once). Nothing of it is mounted
 * as routes of its own. There is one account, the local admin; a link to it goes to whoever reads
 * this process's output or holds an admin's token.
 */
import { Minutes, Role, type Clock } from '@wafer/protocol';
import { betterAuth } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { magicLink } from 'better-auth/plugins/magic-link';
import { sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { FastifyBaseLogger } from 'fastify';
import { auditRow, SERVER_ACTOR } from '../audit/index.ts';
import { instant } from '../db/values.ts';
import * as tables from './people-tables.ts';

export const LINK_LIFE = Minutes(15);

/** The domain cannot exist (RFC 6761), so nothing is ever sent to it. */
const ADMIN = { id: 'local-admin', name: 'admin', email: 'admin@wafer.invalid' } as const;

interface Person {
  readonly name: string;
  readonly role: Role;
}

export interface People {
  /** The secret part of a link that works once, for LINK_LIFE. */
  createLink(): Promise<string>;
  /** Values for `Set-Cookie`; undefined when the link does not work (any more). */
  signIn(token: string, source: string): Promise<string[] | undefined>;
  /** Whose session the `Cookie` header names. */
  whoIs(cookie: string): Promise<Person | undefined>;
  /** Ends the session; values for `Set-Cookie` that clear it. */
  signOut(cookie: string): Promise<string[]>;
}

interface PeopleParts {
  readonly db: PostgresJsDatabase;
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  /** Signs cookies. */
  readonly secret: string;
}

/** Makes the local admin's account at the first start. */
export async function openPeople(parts: PeopleParts): Promise<People> {
  await createAdmin(parts);
  const auth = createAuth(parts);
  return {
    async createLink() {
      let token: string | undefined;
      const deliver = (made: string): void => void (token = made);
      await auth.api.signInMagicLink({
        body: { email: ADMIN.email, metadata: { deliver } },
        headers: new Headers(),
      });
      if (token === undefined) throw new Error('no sign-in link was made');
      return token;
    },
    async signIn(token, source) {
      const response = await auth.api.magicLinkVerify({
        query: { token },
        headers: new Headers(),
        asResponse: true,
      });
      if (response.status >= 500) throw new Error(`signing in failed: ${await response.text()}`);
      if (response.status !== 200) return undefined;
      const actor = { audit: `user:${ADMIN.name}`, source };
      await parts.db.execute(
        auditRow({ actor, at: parts.clock.now(), action: 'person.signed-in', subject: ADMIN.id }),
      );
      return response.headers.getSetCookie();
    },
    async whoIs(cookie) {
      const found = await auth.api.getSession({ headers: new Headers({ cookie }) });
      if (found === null) return undefined;
      return { name: found.user.name, role: Role.parse(found.user.role) };
    },
    async signOut(cookie) {
      const response = await auth.api.signOut({ headers: new Headers({ cookie }), asResponse: true });
      return response.headers.getSetCookie();
    },
  };
}

async function createAdmin({ db, clock }: PeopleParts): Promise<void> {
  const at = clock.now();
  const { id, name, email } = ADMIN;
  const event = {
    actor: SERVER_ACTOR,
    at,
    action: 'person.created',
    subject: id,
    after: { name, role: 'admin' },
  };
  await db.execute(sql`
    with made as (
      insert into users (id, name, email, email_verified, role, created_at, updated_at)
      values (${id}, ${name}, ${email}, true, 'admin', ${instant(at)}, ${instant(at)})
      on conflict do nothing returning id
    )
    ${auditRow(event, sql`made`)}`);
}

function createAuth({ db, log, secret }: PeopleParts) {
  const { users, sessions, accounts, verifications } = tables;
  return betterAuth({
    secret,
    // No route of it is mounted; it only wants to know that cookies are not for one domain.
    baseURL: 'http://127.0.0.1',
    telemetry: { enabled: false },
    database: drizzleAdapter(db, {
      provider: 'pg',
      // An interactive transaction may take the process down: see db/client.ts.
      transaction: false,
      schema: { user: users, session: sessions, account: accounts, verification: verifications },
    }),
    user: {
      additionalFields: { role: { type: 'string', required: true, input: false, defaultValue: 'viewer' } },
    },
    advanced: {
      cookiePrefix: 'wafer',
      useSecureCookies: false,
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax', path: '/' },
    },
    plugins: [
      magicLink({
        expiresIn: LINK_LIFE / 1000,
        disableSignUp: true,
        storeToken: 'hashed',
        sendMagicLink: ({ token, metadata }) => {
          (metadata as { deliver: (token: string) => void }).deliver(token);
        },
      }),
    ],
    logger: {
      log: (level, message, ...more) => log[level]({ from: 'better-auth', more }, message),
    },
  });
}
