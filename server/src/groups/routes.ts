/** HTTP in: /groups. The ETag is the group's revision. */
import {
  ChangedMembers,
  ChangeMembers,
  CreateGroup,
  GroupList,
  GroupListQuery,
  GroupMemberList,
  GroupName,
  GroupPreview,
  GroupView,
  PageQuery,
  PreviewGroup,
  UpdateGroup,
} from '@wafer/protocol';
import type { SQL } from 'drizzle-orm';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { etagOf, revisionOf } from '../http/etag.ts';
import { cutPage, deviceCursor } from '../http/page.ts';
import { conditionOfGroup, findGroup, previewOf, readMembers, readQuery } from './members.ts';
import { conditionOf } from './query.ts';
import { changeMembers, createGroup, deleteGroup, updateGroup } from './store.ts';
import { listGroups, readGroup } from './views.ts';

const tags = ['groups'];
const params = z.object({ name: GroupName });

export interface GroupsParts {
  /** Rows (number, name) of the open rollouts that name a group. */
  readonly openRolloutsNaming: (group: string) => SQL;
}

export const groupRoutes =
  (deps: Deps, { openRolloutsNaming }: GroupsParts): FastifyPluginAsyncZod =>
  async (app) => {
    const onRequest = requireRole('operator');
    const tell = (group: string): void => deps.live.publish({ type: 'group', group });
    await app.register(readingRoutes(deps));

    app.post(
      '/groups',
      { onRequest, schema: { tags, body: CreateGroup, response: { 201: GroupView } } },
      async (request, reply) => {
        const { name } = request.body;
        await createGroup(deps, request.body, actorOf(request));
        tell(name);
        const made = await readGroup(deps, name);
        return reply.code(201).header('etag', etagOf(made)).send(made);
      },
    );

    app.post(
      '/groups/preview',
      { onRequest, schema: { tags, body: PreviewGroup, response: { 200: GroupPreview } } },
      async ({ body }) =>
        previewOf(deps.db, conditionOf(await readQuery(deps.db, body.query), deps.clock.now())),
    );

    app.patch(
      '/groups/:name',
      { onRequest, schema: { tags, params, body: UpdateGroup, response: { 200: GroupView } } },
      async (request, reply) => {
        const { name } = request.params;
        const change = { name, actor: actorOf(request), ifMatch: revisionOf(request.headers['if-match']) };
        await updateGroup(deps, change, request.body);
        tell(name);
        const view = await readGroup(deps, name);
        return reply.header('etag', etagOf(view)).send(view);
      },
    );

    app.delete(
      '/groups/:name',
      { onRequest, schema: { tags, params, response: { 204: z.undefined() } } },
      async (request, reply) => {
        const { name } = request.params;
        const change = { name, actor: actorOf(request), ifMatch: revisionOf(request.headers['if-match']) };
        await deleteGroup(deps, change, openRolloutsNaming(name));
        tell(name);
        return reply.code(204).send(undefined);
      },
    );

    app.post(
      '/groups/:name/devices',
      { onRequest, schema: { tags, params, body: ChangeMembers, response: { 200: ChangedMembers } } },
      async (request) => {
        const { name } = request.params;
        const change = { name, actor: actorOf(request), ifMatch: revisionOf(request.headers['if-match']) };
        const { devices, added, removed } = await changeMembers(deps, change, request.body);
        tell(name);
        for (const device of devices) deps.live.publish({ type: 'device', device });
        return { added, removed };
      },
    );
  };

const readingRoutes =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    const onRequest = requireRole('viewer');

    app.get(
      '/groups',
      { onRequest, schema: { tags, querystring: GroupListQuery, response: { 200: GroupList } } },
      async ({ query: { cursor, limit, device } }) => {
        const found = await listGroups(deps, { after: cursor, limit: limit + 1, device });
        const { items, next } = cutPage(found, limit, ({ name }) => name);
        return { items, ...next };
      },
    );

    app.get(
      '/groups/:name',
      { onRequest, schema: { tags, params, response: { 200: GroupView } } },
      async ({ params: { name } }, reply) => {
        const view = await readGroup(deps, name);
        return reply.header('etag', etagOf(view)).send(view);
      },
    );

    app.get(
      '/groups/:name/devices',
      { onRequest, schema: { tags, params, querystring: PageQuery, response: { 200: GroupMemberList } } },
      async ({ params: { name }, query: { cursor, limit } }) => {
        const condition = conditionOfGroup(await findGroup(deps.db, name), deps.clock.now());
        const found = await readMembers(deps.db, condition, {
          after: deviceCursor(cursor),
          limit: limit + 1,
        });
        const { items, next } = cutPage(found, limit, ({ id }) => id);
        return { items, ...next };
      },
    );
  };
