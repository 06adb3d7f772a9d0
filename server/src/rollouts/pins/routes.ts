/** HTTP in: pins and rests. The ETag of a pin is its revision. */
import { AppName, DeviceId, PinList, PinQuery, PinView, SetPin, WaferError } from '@wafer/protocol';
import { and, asc, eq, sql } from 'drizzle-orm';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { proposePin } from '../../channels/index.ts';
import type { Deps } from '../../deps.ts';
import { actorOf, requireRole, type Actor } from '../../http/auth.ts';
import { etagOf, revisionOf } from '../../http/etag.ts';
import { cutPage } from '../../http/page.ts';
import { wakeRunner } from '../index.ts';
import { pins } from '../tables.ts';
import { channelOf, endRest, readPin, removePin, storePin, type PinRow, type Place } from './store.ts';

const tags = ['devices'];
const OneDevice = z.object({ id: DeviceId });
const OnePin = OneDevice.extend({ app: AppName });

const viewOf = ({ device, app, version, channel, reason, at, by, revision }: PinRow): PinView => ({
  device,
  app,
  version,
  channel,
  reason,
  at: at.toISOString(),
  by,
  revision,
});

function mustMatch(ifMatch: string | undefined, read: PinRow | undefined): void {
  const seen = revisionOf(ifMatch);
  if (seen !== undefined && seen !== (read?.revision ?? 0))
    throw new WaferError(
      'request.precondition-failed',
      `The pin is at revision ${read?.revision ?? 0}, not ${seen}. Look at it again.`,
    );
}

const changedMeanwhile = (): WaferError =>
  new WaferError('request.precondition-failed', 'The pin was changed by somebody else meanwhile. Try again.');

async function setPin(
  deps: Deps,
  place: Place,
  { body, ifMatch, actor }: { body: z.infer<typeof SetPin>; ifMatch: string | undefined; actor: Actor },
): Promise<PinView> {
  const channel = await channelOf(deps.db, place);
  const read = await readPin(deps.db, place);
  mustMatch(ifMatch, read);
  const { reason = null, ...move } = body;
  const { approved } = await proposePin(deps.db, { channel, app: place.app, body: move }, read);
  const stored = await storePin(deps, { ...place, channel, read, approved, reason }, actor);
  const pin = stored === undefined ? undefined : await readPin(deps.db, place);
  if (pin === undefined) throw changedMeanwhile();
  return viewOf(pin);
}

export const pinRoutes = (deps: Deps): FastifyPluginAsyncZod => {
  const tell = (device: DeviceId): void => {
    deps.live.publish({ type: 'device', device });
    wakeRunner(deps);
  };
  return async (app) => {
    app.get(
      '/pins',
      {
        onRequest: requireRole('viewer'),
        schema: { tags, querystring: PinQuery, response: { 200: PinList } },
      },
      async ({ query: { device, app: name, cursor, limit } }) => {
        const place = sql`(${pins.device}, ${pins.app})`;
        const rows = await deps.db
          .select()
          .from(pins)
          .where(
            and(
              device && eq(pins.device, device),
              name && eq(pins.app, name),
              cursor === undefined
                ? undefined
                : sql`${place} > (split_part(${cursor}, '/', 1), split_part(${cursor}, '/', 2))`,
            ),
          )
          .orderBy(asc(pins.device), asc(pins.app))
          .limit(limit + 1);
        const { items, next } = cutPage(rows, limit, (row) => `${row.device}/${row.app}`);
        return { items: items.map(viewOf), ...next };
      },
    );

    app.put(
      '/devices/:id/pins/:app',
      {
        onRequest: requireRole('operator'),
        schema: { tags, params: OnePin, body: SetPin, response: { 200: PinView } },
      },
      async (request, reply) => {
        const { id: device, app: name } = request.params;
        const ifMatch = request.headers['if-match'];
        const pin = await setPin(
          deps,
          { device, app: name },
          { body: request.body, ifMatch, actor: actorOf(request) },
        );
        tell(device);
        return reply.header('etag', etagOf(pin)).send(pin);
      },
    );

    app.delete(
      '/devices/:id/pins/:app',
      {
        onRequest: requireRole('operator'),
        schema: { tags, params: OnePin, response: { 204: z.undefined() } },
      },
      async (request, reply) => {
        const { id: device, app: name } = request.params;
        const read = await readPin(deps.db, { device, app: name });
        if (read === undefined) throw new WaferError('pin.not-found', `${name} is not pinned on ${device}.`);
        mustMatch(request.headers['if-match'], read);
        if ((await removePin(deps, read, actorOf(request))) === undefined) throw changedMeanwhile();
        tell(device);
        return reply.code(204).send();
      },
    );

    app.delete(
      '/devices/:id/rest',
      {
        onRequest: requireRole('operator'),
        schema: { tags, params: OneDevice, response: { 204: z.undefined() } },
      },
      async (request, reply) => {
        const device = request.params.id;
        if (!(await endRest(deps, device, actorOf(request))))
          throw new WaferError('device.not-resting', `${device} does not rest.`);
        tell(device);
        return reply.code(204).send();
      },
    );
  };
};
