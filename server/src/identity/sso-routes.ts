/**
 * The pages of single sign-on, on the dashboard's listener: away to the provider, and back. What must
 * come back with the browser is in a cookie; it is sent on the way back from another site, so it cannot
 * be SameSite=Strict.
 */
import { SignInWays, WaferError } from '@wafer/protocol';
import type { FastifyReply } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { cookieRules, readCookie, type CookieRules } from '../http/site.ts';
import type { People } from './people.ts';
import { personOf } from './sso-store.ts';
import { PENDING_LIFE, type Sso } from './sso.ts';

const PATH = '/sign-in/sso';

/** Its prefix `__Host-` asks for the path /; else it goes to these pages only. */
const cookie = ({ prefix, isSecure }: CookieRules, value: string, seconds: number): string =>
  `${prefix}.sso=${value}; Path=${isSecure ? '/' : PATH}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;

export interface SsoParts {
  readonly people: People;
  /** Undefined: there is none here. */
  readonly sso: Sso | undefined;
  /** Of the dashboard, once it listens. */
  readonly dashboard: () => string;
}

type Parts = Pick<Deps, 'config' | 'db' | 'clock'>;

export function ssoPages(
  { config, db, clock }: Parts,
  { people, sso, dashboard }: SsoParts,
): FastifyPluginAsyncZod {
  const rules = cookieRules(config);
  const back = (): string => `${dashboard()}${PATH}/callback`;
  /** Browsers are led to a page that says why. */
  const explain = (reply: FastifyReply, error: unknown): FastifyReply => {
    if (!(error instanceof WaferError)) throw error;
    return reply.redirect(`/signed-out?reason=${error.code}`);
  };
  return async (app) => {
    app.get(
      '/sign-in/ways',
      { exposeHeadRoute: false, schema: { hide: true, response: { 200: SignInWays } } },
      async () => ({ sso: sso === undefined ? null : { name: sso.name } }),
    );
    if (sso === undefined) return;
    app.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'));

    app.get(PATH, { exposeHeadRoute: false, schema: { hide: true } }, async (_request, reply) => {
      try {
        const { url, pending } = await sso.start(back());
        return reply.header('set-cookie', cookie(rules, pending, PENDING_LIFE / 1000)).redirect(url);
      } catch (error) {
        return explain(reply, error);
      }
    });

    app.get(
      `${PATH}/callback`,
      { exposeHeadRoute: false, schema: { hide: true } },
      async (request, reply) => {
        void reply.header('set-cookie', cookie(rules, '', 0));
        try {
          const pending = readCookie(request.headers.cookie, `${rules.prefix}.sso`) ?? '';
          const current = new URL(`${back()}${/\?.*$/.exec(request.url)?.[0] ?? ''}`);
          const identity = await sso.finish(current, pending);
          const from = { source: request.ip, userAgent: request.headers['user-agent'] };
          const email = await personOf(db, identity, { source: request.ip, at: clock.now() });
          const cookies = email === null ? undefined : await people.enter(email, from);
          if (cookies === undefined)
            throw new WaferError('auth.sso-refused', 'Nobody was invited by this address.');
          return reply.header('set-cookie', cookies).redirect('/');
        } catch (error) {
          return explain(reply, error);
        }
      },
    );
  };
}
