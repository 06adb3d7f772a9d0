/** HTTP in: /apps/:app/secrets. A value comes in and never goes out. */
import { AppName, ChangedSecret, SecretList, SecretName, SecretQuery, SetSecret } from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { removeSecret, setSecret } from './change.ts';
import { scopeOf, valueOf, viewOf } from './secret.ts';
import { readSecrets } from './store.ts';

const OneSecret = z.object({ app: AppName, name: SecretName });

export const secretRoutes =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/apps/:app/secrets',
      {
        onRequest: requireRole('viewer'),
        schema: {
          tags: ['secrets'],
          params: z.object({ app: AppName }),
          response: { 200: SecretList },
        },
      },
      async ({ params }) => ({ items: (await readSecrets(deps.db, params.app)).map(viewOf) }),
    );

    app.put(
      '/apps/:app/secrets/:name',
      {
        onRequest: requireRole('operator'),
        bodyLimit: 32 * 1024,
        schema: { tags: ['secrets'], params: OneSecret, body: SetSecret, response: { 200: ChangedSecret } },
      },
      async (request) => {
        const { app: name, name: secret } = request.params;
        const place = { app: name, scope: scopeOf(request.body.channel), name: secret };
        return setSecret(deps, place, valueOf(request.body), actorOf(request));
      },
    );

    app.delete(
      '/apps/:app/secrets/:name',
      {
        onRequest: requireRole('operator'),
        schema: {
          tags: ['secrets'],
          params: OneSecret,
          querystring: SecretQuery,
          response: { 200: ChangedSecret },
        },
      },
      async (request) => {
        const { app: name, name: secret } = request.params;
        const place = { app: name, scope: scopeOf(request.query.channel), name: secret };
        return removeSecret(deps, place, actorOf(request));
      },
    );
  };
