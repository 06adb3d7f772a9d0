/**
 * People: better-auth keeps users and sessions, and makes the sign-in links (its magic-link plugin:
 * hashed in the database, consumed by one DELETE, so a link signs in once). Nothing of it is mounted
 * as routes of its own. The first account is the local admin; a link to it goes to whoever reads this
 * process's output or holds an admin's token. Others are invited with a link that lasts longer.
 */
import { Days, Minutes, Role, type Clock } from '@wafer/protocol';
import { betterAuth } from 'better-auth';
import { drizzleAdapter } from 'better-auth/adapters/drizzle';
import { magicLink } from 'better-auth/plugins/magic-link';
import { sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { FastifyBaseLogger } from 'fastify';
import { z } from 'zod';
import { auditRow, SERVER_ACTOR, type AuditActor } from '../audit/index.ts';
import type { Config } from '../config.ts';
import { instant } from '../db/values.ts';
import { cookieRules } from '../http/site.ts';
import * as tables from './people-tables.ts';

export const LINK_LIFE = Minutes(15);
export const INVITATION_LIFE = Days(3);

/** The domain cannot exist (RFC 6761), so nothing is ever sent to it. */
export const ADMIN = { id: 'local-admin', name: 'admin', email: 'admin@wafer.invalid' } as const;

const ADDRESS_HEADER = 'x-wafer-address';

const SignedIn = z.object({ user: z.object({ id: z.string(), name: z.string() }) });

interface Person {
  /** Id. */
  readonly person: string;
  readonly name: string;
  readonly role: Role;
}

export interface People {
  /** The secret part of a link that works once, for LINK_LIFE. */
  createLink(): Promise<string>;
  /** Likewise, for the person with this address and for INVITATION_LIFE. */
  inviteLink(email: string): Promise<string>;
  /** Values for `Set-Cookie`; undefined when the link does not work (any more). */
  signIn(token: string, from: Visitor): Promise<string[] | undefined>;
  /** Begins a session of the person with this address, who proved it elsewhere. */
  enter(email: string, from: Visitor): Promise<string[] | undefined>;
  /** Likewise; undefined when the address is nobody's or the password is not that one's. Guesses are counted elsewhere. */
  signInWithPassword(
    given: { readonly email: string; readonly password: string },
    from: Visitor,
  ): Promise<string[] | undefined>;
  /** The session that the `Cookie` header names, as its person's own. */
  session(cookie: string): Promise<OwnSession | undefined>;
  /** Whose session the `Cookie` header names. */
  whoIs(cookie: string): Promise<Person | undefined>;
  /** Ends the session; values for `Set-Cookie` that clear it. */
  signOut(cookie: string, actor: AuditActor): Promise<string[]>;
  /** An event of its own, for what better-auth writes by itself. */
  record(actor: AuditActor, action: string, subject: string): Promise<void>;
}

export interface OwnSession {
  /** Id. */
  readonly person: string;
  readonly email: string;
  /** Id. */
  readonly session: string;
  /** ms since 1970. */
  readonly begun: number;
}

interface Visitor {
  /** Remote address. */
  readonly source: string;
  readonly userAgent: string | undefined;
}

interface PeopleParts {
  readonly db: PostgresJsDatabase;
  readonly clock: Clock;
  readonly log: FastifyBaseLogger;
  /** Signs cookies. */
  readonly secret: string;
  readonly config: Pick<Config, 'publicUrl'>;
}

/** Makes the local admin's account at the first start. */
export async function openPeople(parts: PeopleParts): Promise<People> {
  await createAdmin(parts);
  const auth = createAuth(parts, LINK_LIFE);
  // How long a link lasts is settled when it is made; it is followed by the other one.
  const inviting = createAuth(parts, INVITATION_LIFE);
  const record = async (actor: AuditActor, action: string, subject: string): Promise<void> =>
    void (await parts.db.execute(auditRow({ actor, at: parts.clock.now(), action, subject })));
  const headersOf = ({ source, userAgent }: Visitor): Headers =>
    new Headers({ [ADDRESS_HEADER]: source, 'user-agent': userAgent ?? '' });
  /** The cookies of a session that better-auth began, on record; undefined when it began none. */
  const begin = async (response: Response, { source }: Visitor): Promise<string[] | undefined> => {
    if (response.status >= 500) throw new Error(`signing in failed: ${await response.text()}`);
    if (response.status !== 200) return undefined;
    const { user } = SignedIn.parse(await response.json());
    await record({ audit: `user:${user.name}`, source }, 'person.signed-in', `person:${user.id}`);
    return response.headers.getSetCookie();
  };
  const follow = async (token: string, from: Visitor): Promise<string[] | undefined> => {
    const asked = { query: { token }, headers: headersOf(from), asResponse: true } as const;
    return begin(await auth.api.magicLinkVerify(asked), from);
  };
  return {
    record,
    createLink: () => makeLink(auth, ADMIN.email),
    inviteLink: (email) => makeLink(inviting, email),
    signIn: follow,
    enter: async (email, from) => follow(await makeLink(auth, email), from),
    async signInWithPassword({ email, password }, from) {
      const asked = { body: { email, password }, headers: headersOf(from), asResponse: true } as const;
      return begin(await auth.api.signInEmail(asked), from);
    },
    async session(cookie) {
      const found = await auth.api.getSession({ headers: new Headers({ cookie }) });
      if (found === null) return undefined;
      const { user, session } = found;
      return {
        person: user.id,
        email: user.email,
        session: session.id,
        begun: new Date(session.createdAt).getTime(),
      };
    },
    async whoIs(cookie) {
      const found = await auth.api.getSession({ headers: new Headers({ cookie }) });
      if (found === null) return undefined;
      return { person: found.user.id, name: found.user.name, role: Role.parse(found.user.role) };
    },
    async signOut(cookie, actor) {
      const headers = new Headers({ cookie });
      const found = await auth.api.getSession({ headers });
      const response = await auth.api.signOut({ headers, asResponse: true });
      if (found !== null) await record(actor, 'person.signed-out', `person:${found.user.id}`);
      return response.headers.getSetCookie();
    },
  };
}

async function makeLink(auth: ReturnType<typeof createAuth>, email: string): Promise<string> {
  let token: string | undefined;
  const deliver = (made: string): void => void (token = made);
  await auth.api.signInMagicLink({ body: { email, metadata: { deliver } }, headers: new Headers() });
  if (token === undefined) throw new Error('no sign-in link was made');
  return token;
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

function createAuth({ db, log, secret, config }: PeopleParts, linkLife: number) {
  const { prefix, isSecure } = cookieRules(config);
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
    // Accounts are made by inviting; passwords are hashed by scrypt, and set in passwords.ts.
    emailAndPassword: { enabled: true, disableSignUp: true },
    advanced: {
      cookiePrefix: prefix,
      // Would add a prefix of its own, `__Secure-`.
      useSecureCookies: false,
      // Set by us, from the socket; what a client sends by this name is never passed on.
      ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax', path: '/', secure: isSecure },
    },
    plugins: [
      magicLink({
        expiresIn: linkLife / 1000,
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
