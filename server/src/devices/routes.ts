/** GET /devices, GET /devices/:id, GET /devices/:id/events, PATCH /devices/:id. */
import {
  DeviceDetail,
  DeviceEventList,
  DeviceId,
  DeviceList,
  DeviceListQuery,
  PageQuery,
  UpdateDevice,
  WaferError,
} from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { cutPage, deviceCursor, numberCursor } from '../http/page.ts';
import { membership } from '../groups/index.ts';
import { deviceExists, listDevices, readDevice, readEvents } from './queries.ts';
import { updateDevice } from './store.ts';

const params = z.object({ id: DeviceId });
const tags = ['devices'];

const unknown = (id: DeviceId): WaferError => new WaferError('device.not-found', `There is no device ${id}.`);

export function deviceRoutes({
  clock,
  db,
  live,
}: Pick<Deps, 'clock' | 'db' | 'live'>): FastifyPluginAsyncZod {
  const find = async (id: DeviceId): Promise<DeviceDetail> => {
    const device = await readDevice(db, id);
    if (device === undefined) throw unknown(id);
    return device;
  };

  return async (app) => {
    app.route({
      method: 'GET',
      url: '/devices',
      onRequest: requireRole('viewer'),
      schema: { tags, querystring: DeviceListQuery, response: { 200: DeviceList } },
      async handler({ query: { cursor, limit, q, online, group } }) {
        const filter = {
          q,
          which: group === undefined ? undefined : await membership({ db, clock }, group),
          online: online === undefined ? undefined : online === 'true',
          after: deviceCursor(cursor),
        };
        const found = await listDevices(db, filter, limit + 1);
        const { items, next } = cutPage(found, limit, ({ id }) => id);
        return { items, ...next };
      },
    });

    app.route({
      method: 'GET',
      url: '/devices/:id',
      onRequest: requireRole('viewer'),
      schema: { tags, params, response: { 200: DeviceDetail } },
      handler: ({ params: { id } }) => find(id),
    });

    app.route({
      method: 'GET',
      url: '/devices/:id/events',
      onRequest: requireRole('viewer'),
      schema: { tags, params, querystring: PageQuery, response: { 200: DeviceEventList } },
      async handler({ params: { id }, query: { cursor, limit } }) {
        if (!(await deviceExists(db, id))) throw unknown(id);
        const events = await readEvents(db, id, numberCursor(cursor), limit + 1);
        const { items, next } = cutPage(events, limit, (event) => event.id);
        return { items, ...next };
      },
    });

    app.route({
      method: 'PATCH',
      url: '/devices/:id',
      onRequest: requireRole('operator'),
      schema: { tags, params, body: UpdateDevice, response: { 200: DeviceDetail } },
      async handler(request) {
        const { id } = request.params;
        if (!(await updateDevice(db, id, request.body, actorOf(request), clock.now()))) throw unknown(id);
        live.publish({ type: 'device', device: id });
        return find(id);
      },
    });
  };
}
