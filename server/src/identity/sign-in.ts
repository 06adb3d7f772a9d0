/** GET /sign-in on the dashboard's listener: a link that works once becomes a session cookie. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { sendProblem } from '../http/problems.ts';
import type { People } from './people.ts';

const Query = z.object({ token: z.string().max(200).optional().catch(undefined) });

const isScript = (accept: string | undefined): boolean =>
  accept !== undefined && accept.includes('json') && !accept.includes('text/html');

/** A browser is led to a page that says why, a script gets auth.link-invalid. */
export function signInPage(people: People): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/sign-in',
      // A HEAD, as link previews send it, must not use the link up.
      exposeHeadRoute: false,
      schema: { hide: true, querystring: Query },
      async handler(request, reply) {
        void reply.header('cache-control', 'no-store');
        const { token } = request.query;
        const from = { source: request.ip, userAgent: request.headers['user-agent'] };
        const cookies = token === undefined ? undefined : await people.signIn(token, from);
        if (cookies !== undefined) return reply.header('set-cookie', cookies).redirect('/');
        if (!isScript(request.headers.accept)) return reply.redirect('/signed-out?reason=auth.link-invalid');
        const detail =
          'A link works once, for 15 minutes. Restart the server, or POST /api/v1/sign-in-links.';
        return sendProblem(reply, { code: 'auth.link-invalid', detail });
      },
    });
  };
}
