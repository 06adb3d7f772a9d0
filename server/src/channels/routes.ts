/** HTTP in: channels and their moves. The ETag is the revision of the channel's app. */
import { AppName, ChannelList, ChannelName, MoveChannel, MovedChannel } from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { etagOf, revisionOf } from '../http/etag.ts';
import { moveChannel } from './move.ts';
import { listChannels } from './store.ts';

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
        return reply.header('etag', etagOf({ revision })).send(moved);
      },
    );
  };
