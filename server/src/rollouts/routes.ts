/** HTTP in: GET /executions, newest first. */
import { ExecutionList, ExecutionQuery, WaferError } from '@wafer/protocol';
import { and, desc, eq, sql, type SQL } from 'drizzle-orm';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { instant } from '../db/values.ts';
import { requireRole } from '../http/auth.ts';
import { cutPage } from '../http/page.ts';
import { executions } from './tables.ts';

type Row = typeof executions.$inferSelect;

const Cursor = z.tuple([z.coerce.number().int().min(0).max(8.64e15), z.uuid()]);
const cursorOf = ({ created, id }: Row): string => `${created.getTime()}~${id}`;

function behind(cursor: string): SQL {
  const parsed = Cursor.safeParse(cursor.split('~'));
  if (!parsed.success)
    throw new WaferError('request.invalid', 'querystring/cursor: take it from `next` of the page before.');
  const [created, id] = parsed.data;
  return sql`(${executions.created}, ${executions.id}) < (${instant(created)}, ${id}::uuid)`;
}

export const rolloutRoutes =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/executions',
      {
        onRequest: requireRole('viewer'),
        schema: { tags: ['rollouts'], querystring: ExecutionQuery, response: { 200: ExecutionList } },
      },
      async ({ query: { device, app: name, state, cursor, limit } }) => {
        const rows = await deps.db
          .select()
          .from(executions)
          .where(
            and(
              device && eq(executions.device, device),
              name && eq(executions.app, name),
              state && eq(executions.state, state),
              cursor === undefined ? undefined : behind(cursor),
            ),
          )
          .orderBy(desc(executions.created), desc(executions.id))
          .limit(limit + 1);
        const { items, next } = cutPage(rows, limit, cursorOf);
        return {
          items: items.map((row) => ({
            ...row,
            created: row.created.toISOString(),
            updated: row.updated.toISOString(),
          })),
          ...next,
        };
      },
    );
  };
