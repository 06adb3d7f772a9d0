/** Who is behind a request: a bearer token counts before a cookie, and a wrong one is never passed over. */
import type { Clock } from '@wafer/protocol';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { Authenticate } from '../http/auth.ts';
import type { People } from './people.ts';
import { useToken } from './tokens-store.ts';
import { bearerToken, hashToken } from './tokens.ts';

interface Parts {
  readonly db: PostgresJsDatabase;
  readonly clock: Clock;
  readonly people: People;
}

export function authenticator({ db, clock, people }: Parts): Authenticate {
  return async ({ headers: { authorization, cookie } }) => {
    if (authorization !== undefined) {
      const token = bearerToken(authorization);
      const holder = token === undefined ? undefined : await useToken(db, hashToken(token), clock.now());
      return holder && { ...holder, via: 'token' };
    }
    const person = cookie === undefined ? undefined : await people.whoIs(cookie);
    return person && { ...person, via: 'session' };
  };
}
