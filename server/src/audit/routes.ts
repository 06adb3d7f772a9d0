/** HTTP of the audit, for admins: the list, the chain in its order, and whether it holds. */
import {
  AuditChain,
  AuditChainQuery,
  AuditEventList,
  AuditQuery,
  AuditStatus,
  AuditVerification,
} from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { requireRole } from '../http/auth.ts';
import { cutPage, numberCursor } from '../http/page.ts';
import type { Keeper } from './keeper.ts';
import type { Sealer } from './sealer.ts';
import { countUnsealed, listEvents, readChain, readHead } from './store.ts';
import { verifyChain } from './verify.ts';

export interface AuditParts {
  readonly keeper: Keeper;
  readonly sealer: Sealer;
}

export function auditRoutes(
  { db, clock }: Pick<Deps, 'db' | 'clock'>,
  { keeper, sealer }: AuditParts,
): FastifyPluginAsyncZod {
  const onRequest = requireRole('admin');
  const tags = ['audit'];
  let verifying: Promise<AuditVerification> | undefined;
  const verify = async (): Promise<AuditVerification> => {
    await sealer.seal();
    return { at: new Date(clock.now()).toISOString(), ...(await verifyChain(db, keeper)) };
  };
  return async (app) => {
    app.get(
      '/audit',
      { onRequest, schema: { tags, querystring: AuditQuery, response: { 200: AuditEventList } } },
      async ({ query: { cursor, limit, ...filter } }) => {
        const rows = await listEvents(db, filter, numberCursor(cursor), limit + 1);
        const { items, next } = cutPage(rows, limit, (row) => row.id);
        return { items, ...next };
      },
    );

    app.get(
      '/audit/chain',
      { onRequest, schema: { tags, querystring: AuditChainQuery, response: { 200: AuditChain } } },
      async ({ query }) => ({ items: await readChain(db, query.after, query.limit) }),
    );

    app.get('/audit/status', { onRequest, schema: { tags, response: { 200: AuditStatus } } }, async () => {
      await sealer.seal();
      const head = await readHead(db);
      return {
        head: head.seq === 0 ? null : head,
        anchor: (await keeper.readAnchor()) ?? null,
        unsealed: await countUnsealed(db),
        key: keeper.publicKey,
      };
    });

    app.get(
      '/audit/verification',
      { onRequest, schema: { tags, response: { 200: AuditVerification } } },
      // It reads the whole table: whoever asks meanwhile gets the same answer.
      () => (verifying ??= verify().finally(() => (verifying = undefined))),
    );
  };
}
