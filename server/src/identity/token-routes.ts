/** HTTP of API tokens: admins make them, see all and end any; everybody sees and ends the own ones. */
import { CreatedToken, CreateToken, TokenList, WaferError } from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { deleteToken, listTokens } from './tokens-store.ts';
import { createToken } from './tokens.ts';

const tags = ['people'];
const OneToken = z.object({ id: z.uuid() });
const nothing = { 204: z.undefined() };

const missing = (id: string): WaferError => new WaferError('request.not-found', `There is no token ${id}.`);

export const tokenRoutes = ({ clock, db }: Pick<Deps, 'clock' | 'db'>): FastifyPluginAsyncZod => {
  const onRequest = requireRole('admin');
  return async (app) => {
    app.get('/tokens', { onRequest, schema: { tags, response: { 200: TokenList } } }, async () => ({
      items: await listTokens(db),
    }));

    app.post(
      '/tokens',
      { onRequest, schema: { tags, body: CreateToken, response: { 201: CreatedToken } } },
      async (request, reply) => {
        const actor = actorOf(request);
        // Made with a token, it is the same person's, or else it would outlive its maker.
        const token = { ...request.body, owner: actor.person };
        return reply.code(201).send(await createToken({ db, clock }, token, actor));
      },
    );

    app.delete(
      '/tokens/:id',
      { onRequest, schema: { tags, params: OneToken, response: nothing } },
      async (request, reply) => {
        const { id } = request.params;
        if (!(await deleteToken(db, { id }, actorOf(request), clock.now()))) throw missing(id);
        return reply.code(204).send();
      },
    );

    app.get(
      '/me/tokens',
      { onRequest: requireRole('viewer'), schema: { tags, response: { 200: TokenList } } },
      async (request) => {
        const { person } = actorOf(request);
        return { items: person === null ? [] : await listTokens(db, person) };
      },
    );

    app.delete(
      '/me/tokens/:id',
      { onRequest: requireRole('viewer'), schema: { tags, params: OneToken, response: nothing } },
      async (request, reply) => {
        const actor = actorOf(request);
        if (actor.via !== 'session' || actor.person === null)
          throw new WaferError(
            'auth.forbidden',
            'Its owner deletes a token in a session; admins may, anyhow.',
          );
        const one = { id: request.params.id, owner: actor.person };
        if (!(await deleteToken(db, one, actor, clock.now()))) throw missing(one.id);
        return reply.code(204).send();
      },
    );
  };
};
