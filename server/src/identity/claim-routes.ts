/** Looking at claim tokens, and taking them back: GET /claim-tokens, DELETE /claim-tokens/:id. */
import { ClaimList, WaferError } from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { listClaims, revokeClaim } from './claims-store.ts';

export const claimRoutes = ({ clock, db }: Pick<Deps, 'clock' | 'db'>): FastifyPluginAsyncZod => {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/claim-tokens',
      onRequest: requireRole('operator'),
      schema: { tags: ['enrolment'], response: { 200: ClaimList } },
      handler: async () => ({ items: await listClaims(db, clock.now()) }),
    });

    app.route({
      method: 'DELETE',
      url: '/claim-tokens/:id',
      onRequest: requireRole('operator'),
      schema: { tags: ['enrolment'], params: z.object({ id: z.uuid() }), response: { 204: z.undefined() } },
      async handler(request, reply) {
        const { id } = request.params;
        if ((await revokeClaim(db, id, actorOf(request), clock.now())) === 'missing')
          throw new WaferError('claim.not-found', `There is no claim token with the id ${id}.`);
        return reply.code(204).send();
      },
    });
  };
};
