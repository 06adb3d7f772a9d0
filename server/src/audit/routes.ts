/** GET /audit: newest first, cursor paged. */
import { AuditEventList, PageQuery } from '@wafer/protocol';
import { desc, lt } from 'drizzle-orm';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { requireRole } from '../http/auth.ts';
import { cutPage, numberCursor } from '../http/page.ts';
import { auditEvents } from './tables.ts';

export function audit({ db }: Pick<Deps, 'db'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/audit',
      onRequest: requireRole('admin'),
      schema: { tags: ['audit'], querystring: PageQuery, response: { 200: AuditEventList } },
      async handler({ query: { cursor, limit } }) {
        const before = numberCursor(cursor);
        const rows = await db
          .select()
          .from(auditEvents)
          .where(before === undefined ? undefined : lt(auditEvents.id, before))
          .orderBy(desc(auditEvents.id))
          .limit(limit + 1);
        const { items, next } = cutPage(rows, limit, (row) => `${row.id}`);
        return {
          items: items.map((row) => ({ ...row, id: `${row.id}`, at: row.at.toISOString() })),
          ...next,
        };
      },
    });
  };
}
