/** HTTP in: /rollouts. The ETag is the rollout's revision. */
import {
  CreateRollout,
  DeviceVerdictList,
  DeviceVerdictQuery,
  RolloutAction,
  RolloutDeviceList,
  RolloutDeviceQuery,
  RolloutId,
  RolloutList,
  RolloutOrder,
  RolloutPreview,
  RolloutQuery,
  RolloutView,
} from '@wafer/protocol';
import { and, asc, desc, eq, gt, lt } from 'drizzle-orm';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../../deps.ts';
import { actorOf, requireRole } from '../../http/auth.ts';
import { etagOf, revisionOf } from '../../http/etag.ts';
import { cutPage, numberCursor } from '../../http/page.ts';
import { rolloutMembers, rollouts } from '../tables.ts';
import { makeRollout } from './make.ts';
import { obey } from './orders.ts';
import { previewDevices, previewRollout } from './preview.ts';
import { readRollout } from './views.ts';

const tags = ['rollouts'];
const OneRollout = z.object({ id: RolloutId });
export const rolloutRoutes =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(readingRoutes(deps));

    app.post(
      '/rollouts/preview',
      {
        onRequest: requireRole('operator'),
        schema: { tags, body: CreateRollout, response: { 200: RolloutPreview } },
      },
      async ({ body }) => previewRollout(deps, body),
    );

    app.post(
      '/rollouts/preview/devices',
      {
        onRequest: requireRole('operator'),
        schema: {
          tags,
          querystring: DeviceVerdictQuery,
          body: CreateRollout,
          response: { 200: DeviceVerdictList },
        },
      },
      async ({ body, query }) => previewDevices(deps, body, query),
    );

    app.post(
      '/rollouts',
      {
        onRequest: requireRole('operator'),
        schema: { tags, body: CreateRollout, response: { 201: RolloutView } },
      },
      async (request, reply) => {
        const made = await readRollout(deps.db, await makeRollout(deps, request.body, actorOf(request)));
        deps.live.publish({ type: 'rollout', rollout: made.id });
        return reply.code(201).header('etag', etagOf(made)).send(made);
      },
    );

    app.post(
      '/rollouts/:id/:action',
      {
        onRequest: requireRole('operator'),
        schema: {
          tags,
          params: OneRollout.extend({ action: RolloutAction }),
          body: RolloutOrder,
          // 201: the rollback of a completed rollout is a new one.
          response: { 200: RolloutView, 201: RolloutView },
        },
      },
      async (request, reply) => {
        const { id, action } = request.params;
        const ifMatch = revisionOf(request.headers['if-match']);
        const told = await obey(deps, {
          id,
          action,
          ifMatch,
          reason: request.body.reason ?? null,
          actor: actorOf(request),
        });
        const view = await readRollout(deps.db, told);
        return reply
          .code(told === id ? 200 : 201)
          .header('etag', etagOf(view))
          .send(view);
      },
    );
  };

const readingRoutes =
  ({ db }: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/rollouts',
      {
        onRequest: requireRole('viewer'),
        schema: { tags, querystring: RolloutQuery, response: { 200: RolloutList } },
      },
      async ({ query: { state, channel, cursor, limit } }) => {
        const before = numberCursor(cursor);
        const rows = await db
          .select({ id: rollouts.id, number: rollouts.number })
          .from(rollouts)
          .where(
            and(
              state && eq(rollouts.state, state),
              channel && eq(rollouts.channel, channel),
              before === undefined ? undefined : lt(rollouts.number, before),
            ),
          )
          .orderBy(desc(rollouts.number))
          .limit(limit + 1);
        const { items, next } = cutPage(rows, limit, ({ number }) => `${number}`);
        return { items: await Promise.all(items.map(({ id }) => readRollout(db, id))), ...next };
      },
    );

    app.get(
      '/rollouts/:id',
      {
        onRequest: requireRole('viewer'),
        schema: { tags, params: OneRollout, response: { 200: RolloutView } },
      },
      async ({ params: { id } }, reply) => {
        const view = await readRollout(db, id);
        return reply.header('etag', etagOf(view)).send(view);
      },
    );

    app.get(
      '/rollouts/:id/devices',
      {
        onRequest: requireRole('viewer'),
        schema: {
          tags,
          params: OneRollout,
          querystring: RolloutDeviceQuery,
          response: { 200: RolloutDeviceList },
        },
      },
      async ({ params: { id }, query: { state, wave, cause, cursor, limit } }) => {
        await readRollout(db, id);
        const after = numberCursor(cursor);
        const rows = await db
          .select()
          .from(rolloutMembers)
          .where(
            and(
              eq(rolloutMembers.rollout, id),
              state && eq(rolloutMembers.state, state),
              wave === undefined ? undefined : eq(rolloutMembers.wave, wave),
              cause === undefined ? undefined : eq(rolloutMembers.cause, cause),
              after === undefined ? undefined : gt(rolloutMembers.position, after),
            ),
          )
          .orderBy(asc(rolloutMembers.position))
          .limit(limit + 1);
        const { items, next } = cutPage(rows, limit, ({ position }) => `${position}`);
        const view = items.map(({ updated, ...member }) => {
          return { ...member, updated: updated.toISOString() };
        });
        return { items: view, ...next };
      },
    );
  };
