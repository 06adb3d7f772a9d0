/** GET /devices/:id/health, GET /devices/:id/logs, POST /devices/:id/messages. */
import {
  DeviceId,
  DeviceLogList,
  HealthQuery,
  HealthSeries,
  MAX_PAYLOAD_BYTES,
  PageQuery,
  SendGuestMessage,
  SentGuestMessage,
  WaferError,
  guestTopic,
} from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { auditRow } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { cutPage, numberCursor } from '../http/page.ts';
import { deviceExists, readHealth, readLogs } from './queries.ts';

const params = z.object({ id: DeviceId });
const tags = ['devices'];

async function requireDevice(db: Deps['db'], device: DeviceId): Promise<void> {
  if (!(await deviceExists(db, device)))
    throw new WaferError('device.not-found', `There is no device ${device}.`);
}

export function telemetryRoutes({
  bus,
  clock,
  db,
}: Pick<Deps, 'bus' | 'clock' | 'db'>): FastifyPluginAsyncZod {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/devices/:id/health',
      onRequest: requireRole('viewer'),
      schema: { tags, params, querystring: HealthQuery, response: { 200: HealthSeries } },
      async handler({ params: { id }, query: { minutes } }) {
        await requireDevice(db, id);
        return { items: await readHealth(db, id, minutes, clock.now()) };
      },
    });

    app.route({
      method: 'GET',
      url: '/devices/:id/logs',
      onRequest: requireRole('viewer'),
      schema: { tags, params, querystring: PageQuery, response: { 200: DeviceLogList } },
      async handler({ params: { id }, query: { cursor, limit } }) {
        await requireDevice(db, id);
        const rows = await readLogs(db, id, numberCursor(cursor), limit + 1);
        const { items, next } = cutPage(rows, limit, (row) => `${row.id}`);
        return { items, ...next };
      },
    });

    app.route({
      method: 'POST',
      url: '/devices/:id/messages',
      onRequest: requireRole('operator'),
      schema: { tags, params, body: SendGuestMessage, response: { 202: SentGuestMessage } },
      async handler(request, reply) {
        const { id } = request.params;
        const { app: guest, topic, text, base64 } = request.body;
        const payload = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text);
        if (payload.length > MAX_PAYLOAD_BYTES)
          throw new WaferError('request.too-large', `A message may have ${MAX_PAYLOAD_BYTES} bytes.`);
        await requireDevice(db, id);
        const after = { app: guest, topic, bytes: payload.length };
        await db.execute(
          auditRow({ actor: actorOf(request), at: clock.now(), action: 'message.sent', subject: id, after }),
        );
        await bus.publish(guestTopic(id, guest, 'down', topic), payload, { qos: 1 });
        return reply.code(202).send({ online: bus.online().includes(id) });
      },
    });
  };
}
