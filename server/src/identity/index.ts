/**
 * Identity: who a device is, who a person is.
 *
 * Parties: a device proves itself once with a claim token and from then on with a certificate that
 * this server's CA signed over a key which never leaves the board. A person signs in with a link
 * that works once, with a password, or at the single sign-on, or comes with an API token.
 * Only people who were invited come in, whichever way.
 *
 * Invariants: private keys are 0600 and secrets are stored as hashes only; a claim's use, the
 * device, its certificate, its timeline row and its audit event appear in one statement or not at
 * all; a revoked certificate is refused from the moment that the statement commits.
 */
export type { Authority } from './authority.ts';
export { authenticator } from './authenticate.ts';
export { writeCredentials } from './credentials.ts';
export { openPeople, type People } from './people.ts';
export { advertisedHost, openAuthority } from './pki.ts';
export { identity, signInUrl } from './routes.ts';
export { passwordPage } from './password-routes.ts';
export { signInPage } from './sign-in.ts';
export { openSso, type Sso } from './sso.ts';
export { ssoPages } from './sso-routes.ts';
export { createToken } from './tokens.ts';
export { auditDoubledSession, auditTwins } from './twins.ts';
