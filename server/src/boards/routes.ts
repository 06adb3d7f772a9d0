/** GET /boards, GET /hardware-runs, POST /hardware-runs. */
import { FleetBoards, HardwareRun, HardwareRunList, HardwareRunView, PageQuery } from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { cutPage, numberCursor } from '../http/page.ts';
import { insertRun, listRuns, readBoards } from './store.ts';

const tags = ['boards'];

export const boardRoutes =
  ({ clock, db }: Pick<Deps, 'clock' | 'db'>): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      method: 'GET',
      url: '/boards',
      onRequest: requireRole('viewer'),
      schema: { tags, response: { 200: FleetBoards } },
      handler: async () => ({ items: await readBoards(db) }),
    });

    app.route({
      method: 'GET',
      url: '/hardware-runs',
      onRequest: requireRole('viewer'),
      schema: { tags, querystring: PageQuery, response: { 200: HardwareRunList } },
      async handler({ query: { cursor, limit } }) {
        const runs = await listRuns(db, numberCursor(cursor), limit + 1);
        const { items, next } = cutPage(runs, limit, ({ id }) => id);
        return { items, ...next };
      },
    });

    app.route({
      method: 'POST',
      url: '/hardware-runs',
      onRequest: requireRole('operator'),
      schema: { tags, body: HardwareRun, response: { 201: HardwareRunView } },
      async handler(request, reply) {
        return reply.status(201).send(await insertRun(db, request.body, actorOf(request), clock.now()));
      },
    });
  };
