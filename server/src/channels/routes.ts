/** HTTP in: channels and their moves. The ETag is the revision of the channel's app. */
import { AppName, ChannelList, ChannelName, MoveChannel, MovedChannel, WaferError } from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { moveChannel } from './move.ts';
import { listChannels } from './store.ts';

const REVISION = /^"(\d{1,9})"$/;

/** RFC 9110 clause 13.1.1, for the one strong tag that we give out; absent and `*` ask for nothing. */
function revisionOf(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined;
  const found = REVISION.exec(ifMatch)?.[1];
  if (found === undefined)
    throw new WaferError(
      'request.precondition-failed',
      `If-Match must be an ETag of this resource, such as "3".`,
    );
  return Number(found);
}

export const channelRoutes =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/channels',
      { onRequest: requireRole('viewer'), schema: { tags: ['channels'], response: { 200: ChannelList } } },
      async () => ({ items: await listChannels(deps.db) }),
    );

    app.put(
      '/channels/:channel/apps/:app',
      {
        onRequest: requireRole('operator'),
        schema: {
          tags: ['channels'],
          params: z.object({ channel: ChannelName, app: AppName }),
          body: MoveChannel,
          response: { 200: MovedChannel },
        },
      },
      async (request, reply) => {
        const { channel, app: name } = request.params;
        const ifMatch = revisionOf(request.headers['if-match']);
        const actor = actorOf(request);
        const { moved, revision } = await moveChannel(deps, {
          channel,
          app: name,
          body: request.body,
          ifMatch,
          actor,
        });
        return reply.header('etag', `"${revision}"`).send(moved);
      },
    );
  };
