/** HTTP of passwords: signing in with one, on the dashboard's listener, and setting one's own. */
import { SetPassword, SignIn, WaferError } from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { actorOf, refuseForeignPage, requireRole } from '../http/auth.ts';
import { clearAttempts } from './attempts.ts';
import { countAttempt, setPassword } from './passwords.ts';
import type { People } from './people.ts';

type Parts = Pick<Deps, 'db' | 'clock'>;

/** POST /sign-in: outside the API, so that cookies and passwords never come over the network's listener. */
export function passwordPage(parts: Parts, people: People): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/sign-in',
      // Else another site could sign a visitor in as somebody of its choice.
      onRequest: async (request) => refuseForeignPage(request),
      schema: { hide: true, body: SignIn, response: { 204: z.undefined() } },
      async handler(request, reply) {
        const attempt = { email: request.body.email.toLowerCase(), source: request.ip };
        void reply.header('cache-control', 'no-store');
        await countAttempt(parts, attempt);
        const from = { source: request.ip, userAgent: request.headers['user-agent'] };
        const cookies = await people.signInWithPassword(
          { ...attempt, password: request.body.password },
          from,
        );
        if (cookies === undefined)
          throw new WaferError(
            'auth.password-wrong',
            'Check both. Without a password yet, come with a sign-in link, and set one.',
          );
        await clearAttempts(parts.db, attempt);
        return reply.header('set-cookie', cookies).code(204).send();
      },
    });
  };
}

/** Below /api/v1. */
export function passwordRoutes(parts: Parts, people: People): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'PUT',
      url: '/me/password',
      onRequest: requireRole('viewer'),
      schema: { tags: ['people'], body: SetPassword, response: { 204: z.undefined() } },
      async handler(request, reply) {
        const actor = actorOf(request);
        const own = actor.via === 'session' ? await people.session(request.headers.cookie ?? '') : undefined;
        if (own === undefined)
          throw new WaferError('auth.forbidden', 'A password is set by its person, in a session.');
        await setPassword(parts, own, request.body, actor);
        return reply.code(204).send();
      },
    });
  };
}
