/**
 * Single sign-on with OpenID Connect (openid-client: discovery, code flow with PKCE, state and nonce).
 * The provider says who somebody is; who may do what stays here, so only people who were invited come
 * in. What the browser must bring back lies locked in a cookie, so that nobody can end a sign-in which
 * somebody else began.
 */
import { hkdfSync } from 'node:crypto';
import { Hours, Minutes, WaferError, type Clock } from '@wafer/protocol';
import * as oidc from 'openid-client';
import { z } from 'zod';
import type { SsoConfig } from '../config.ts';
import { lockText, unlockText } from '../db/lock.ts';
import type { Outward } from '../http/outward.ts';

/** How long somebody may take at the provider. */
export const PENDING_LIFE = Minutes(10);
/** Where the provider's endpoints are is asked again after this. */
const METADATA_LIFE = Hours(1);

/** Who the provider says that it is. */
export interface Identity {
  readonly issuer: string;
  /** Never given to another person by this issuer. */
  readonly subject: string;
  /** In lower case; absent when the provider did not verify it. */
  readonly email: string | undefined;
}

export interface Sso {
  /** For people: the button says it. */
  readonly name: string;
  /** Where the browser goes, and what it must bring back. Throws auth.sso-unavailable. */
  start(redirect: string): Promise<{ readonly url: string; readonly pending: string }>;
  /** `current` is the address that the provider led back to. Throws auth.sso-refused, auth.sso-unavailable. */
  finish(current: URL, pending: string): Promise<Identity>;
}

const Pending = z.object({ state: z.string(), nonce: z.string(), verifier: z.string(), ends: z.number() });

interface SsoParts {
  readonly config: SsoConfig;
  readonly outward: Outward;
  readonly clock: Clock;
  /** Locks what browsers carry. */
  readonly secret: string;
  /** Told what stood in the way; the person is not. */
  readonly onFailure: (error: unknown) => void;
}

const refused = (detail: string, cause?: unknown): WaferError =>
  new WaferError('auth.sso-refused', detail, { cause });

/** `body` of openid-client is text, form fields or octets. */
const throughGuard =
  (outward: Outward): oidc.CustomFetch =>
  (url, { method, headers, body, signal }) => {
    const sent = body instanceof URLSearchParams ? body.toString() : body;
    if (sent != null && typeof sent !== 'string' && !(sent instanceof Uint8Array))
      throw new TypeError('a body of this kind is not sent');
    return outward(url, { method, headers, body: sent ?? undefined, signal });
  };

function identityOf(claims: oidc.IDToken | undefined): Identity {
  if (claims === undefined) throw refused('The provider gave no identity.');
  const { iss: issuer, sub: subject, email, email_verified: verified } = claims;
  const isVerified = typeof email === 'string' && verified === true;
  return { issuer, subject, email: isVerified ? email.toLowerCase() : undefined };
}

export function openSso({ config, outward, clock, secret, onFailure }: SsoParts): Sso {
  const { issuer, clientId, clientSecret, name } = config;
  const key = Buffer.from(hkdfSync('sha256', secret, issuer, 'single sign-on', 32));
  let known: { readonly provider: Promise<oidc.Configuration>; readonly until: number } | undefined;

  const discover = async (): Promise<oidc.Configuration> => {
    const auth = clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret);
    return oidc.discovery(new URL(issuer), clientId, undefined, auth, {
      [oidc.customFetch]: throughGuard(outward),
      execute: [
        // Signatures are checked even where TLS would do (OpenID Connect Core, 3.1.3.7, 6).
        oidc.enableNonRepudiationChecks,
        // The guard allows plain HTTP to hosts that the operator named, and to no others.
        oidc.allowInsecureRequests,
      ],
    });
  };
  const provider = async (): Promise<oidc.Configuration> => {
    if (known === undefined || known.until <= clock.now())
      known = { provider: discover(), until: clock.now() + METADATA_LIFE };
    try {
      return await known.provider;
    } catch (error) {
      known = undefined;
      onFailure(error);
      throw new WaferError('auth.sso-unavailable', 'The server’s log says why. Use a link or a password.', {
        cause: error,
      });
    }
  };
  const open = (pending: string): z.infer<typeof Pending> => {
    try {
      const parsed = Pending.parse(JSON.parse(unlockText(key, pending)));
      if (parsed.ends > clock.now()) return parsed;
    } catch {
      // whatever it was, it was not locked here
    }
    throw refused('This sign-in was begun elsewhere, or too long ago: begin again.');
  };

  return {
    name,
    async start(redirect) {
      const to = await provider();
      const [state, nonce, verifier] = [
        oidc.randomState(),
        oidc.randomNonce(),
        oidc.randomPKCECodeVerifier(),
      ];
      const url = oidc.buildAuthorizationUrl(to, {
        redirect_uri: redirect,
        scope: 'openid email profile',
        state,
        nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      });
      const ends = clock.now() + PENDING_LIFE;
      return { url: url.href, pending: lockText(key, JSON.stringify({ state, nonce, verifier, ends })) };
    },
    async finish(current, pending) {
      const { state, nonce, verifier } = open(pending);
      const to = await provider();
      try {
        const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier };
        const answer = await oidc.authorizationCodeGrant(to, current, { ...checks, idTokenExpected: true });
        return identityOf(answer.claims());
      } catch (error) {
        onFailure(error);
        throw refused('The provider’s answer was not valid, or you were refused there: begin again.', error);
      }
    },
  };
}
