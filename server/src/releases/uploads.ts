/** PUT /blobs/:digest: the bytes of a component, streamed, hashed and compressed as they come. */
import { Digest, UploadedBlob } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { auditRow, type AuditActor } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { receiveBlob, tooLarge, type Blob } from './blob.ts';
import { blobLength, insertBlob } from './store.ts';

/** The blob, its chunks and the event are one statement; a blob that is there already stays as it is. */
async function storeBlob(deps: Deps, blob: Blob, actor: AuditActor): Promise<void> {
  const at = deps.clock.now();
  const audit = auditRow(
    {
      actor,
      at,
      action: 'blob.uploaded',
      subject: sql`'blob:' || blob.digest`,
      after: { length: blob.length },
    },
    sql`blob`,
  );
  await deps.db.execute(sql`with ${insertBlob(blob, at)}, audited as (${audit}) select 1`);
}

export const uploadRoutes =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    const max = deps.config.maxComponentBytes;
    app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));

    app.put(
      '/blobs/:digest',
      {
        onRequest: requireRole('operator'),
        schema: {
          tags: ['releases'],
          params: z.object({ digest: Digest }),
          response: { 200: UploadedBlob, 201: UploadedBlob },
        },
      },
      async (request, reply) => {
        const { digest } = request.params;
        // Whatever is refused half-way is not read to its end, so the connection is of no more use.
        void reply.header('connection', 'close');
        if (Number(request.headers['content-length'] ?? 0) > max) throw tooLarge(max);
        const blob = await receiveBlob(request.body as AsyncIterable<Buffer>, digest, max);
        void reply.removeHeader('connection');
        const before = await blobLength(deps.db, digest);
        if (before === undefined) await storeBlob(deps, blob, actorOf(request));
        return reply.code(before === undefined ? 201 : 200).send({ digest, length: blob.length });
      },
    );
  };
