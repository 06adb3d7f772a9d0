/** People in the HTTP API: roles, sessions, tokens, links. */
import { z } from 'zod';
import { Timestamp } from './ids.ts';

export const Role = z.enum(['viewer', 'operator', 'admin']);
export type Role = z.infer<typeof Role>;

export const Me = z.object({ name: z.string(), role: Role, via: z.enum(['session', 'token']) });
export type Me = z.infer<typeof Me>;

/**
 * What a token may do of what its role may: the first tag of a route, as OpenAPI shows it, and whether
 * it reads or writes. People are not among them: a token that is narrowed cannot make a wider one.
 */
const SCOPE_AREAS = [
  'devices',
  'groups',
  'releases',
  'channels',
  'rollouts',
  'secrets',
  'enrolment',
  'audit',
  'live',
] as const;
export const TOKEN_SCOPES: readonly string[] = SCOPE_AREAS.flatMap((area) => [
  `${area}:read`,
  `${area}:write`,
]);
export const TokenScope = z
  .string()
  .refine(
    (scope) => TOKEN_SCOPES.includes(scope),
    `a scope is AREA:read or AREA:write, AREA one of ${SCOPE_AREAS.join(', ')}`,
  );

export const CreateToken = z.strictObject({
  name: z.string().min(1).max(100),
  role: Role,
  /** Without: whatever the role may. `write` does not include `read`. */
  scopes: z.array(TokenScope).min(1).max(20).optional(),
  /** Without: until it is deleted. */
  expiresInSeconds: z.number().int().min(60).max(31_536_000).optional(),
});
export const TokenView = z.object({
  id: z.uuid(),
  name: z.string(),
  /** As it was made. */
  role: Role,
  /** Whose it is; null: the machine's, as the one in credentials.json. */
  owner: z.object({ id: z.string(), name: z.string() }).nullable(),
  /** What it acts as now: never above its owner. */
  effectiveRole: Role,
  scopes: z.array(z.string()).nullable(),
  created: Timestamp,
  expires: Timestamp.nullable(),
  lastUsed: Timestamp.nullable(),
});
export type TokenView = z.infer<typeof TokenView>;
export const TokenList = z.object({ items: z.array(TokenView) });

/** The token is shown this once. */
export const CreatedToken = z.object({ id: z.string(), token: z.string() });

export const PersonView = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role: Role,
  created: Timestamp,
  /** That are open now. */
  sessions: z.number().int(),
});
export type PersonView = z.infer<typeof PersonView>;
export const PersonList = z.object({ items: z.array(PersonView) });

export const InvitePerson = z.strictObject({
  name: z.string().min(1).max(100),
  /** Names the person; nothing is sent to it. */
  email: z.email().max(200),
  role: Role,
});
/** `url` works once and signs in as the person who was invited: hand it over yourself. */
export const InvitedPerson = z.object({ id: z.string(), url: z.url(), expires: Timestamp });
export type InvitedPerson = z.infer<typeof InvitedPerson>;

/** Length is what counts (NIST SP 800-63B, 3.1.1); the upper bound keeps hashing cheap. */
const NewPassword = z.string().min(12).max(128);

export const SignIn = z.strictObject({ email: z.email().max(200), password: z.string().min(1).max(128) });
export type SignIn = z.infer<typeof SignIn>;

/** `current` may be left out where there is none yet, and in a session that has just begun. */
export const SetPassword = z.strictObject({ current: z.string().max(128).optional(), password: NewPassword });
export type SetPassword = z.infer<typeof SetPassword>;

/** How somebody may sign in here: always with a link or a password, perhaps with single sign-on. */
export const SignInWays = z.object({ sso: z.object({ name: z.string() }).nullable() });

export const UpdatePerson = z.strictObject({ role: Role });

export const SessionView = z.object({
  id: z.string(),
  /** Id of the person, and the name. */
  person: z.string(),
  name: z.string(),
  /** Address that it was begun from. */
  source: z.string().nullable(),
  userAgent: z.string().nullable(),
  created: Timestamp,
  expires: Timestamp,
});
export type SessionView = z.infer<typeof SessionView>;
export const SessionList = z.object({ items: z.array(SessionView) });

/** `url` works once, for 15 minutes, and signs in the local admin. */
export const CreatedSignInLink = z.object({ url: z.url(), expires: Timestamp });
export type CreatedSignInLink = z.infer<typeof CreatedSignInLink>;
