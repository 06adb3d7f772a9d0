/** HTTP in: trust and releases. Uploads are in uploads.ts. */
import {
  AppName,
  CreateRelease,
  InitTrust,
  MetadataName,
  NextMetadata,
  OnlineKeys,
  PageQuery,
  ReleaseList,
  ReleaseView,
  RoleMetadata,
  RotateOnline,
  TrustStatus,
  TrustView,
  Version,
  WaferError,
} from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { initTrust } from './establish.ts';
import { acceptNext } from './next.ts';
import { trustStatus, trustView } from './overview.ts';
import { publish } from './publish.ts';
import { currentOnlineKeys, makeSuccessors } from './rotation.ts';
import { latestText, namedText } from './store.ts';
import { listReleases, releaseView } from './views.ts';

/** Role metadata grows with every release: hashes of all chunks of all of them. */
const METADATA_BODY_BYTES = 12 * 1024 * 1024;

const RoleName = z.string().regex(/^[a-z][a-z0-9-]{0,38}$/, 'root, targets, snapshot, timestamp or an app');

export const trustRoutes =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    const viewer = { onRequest: requireRole('viewer') };
    const admin = { onRequest: requireRole('admin'), bodyLimit: METADATA_BODY_BYTES };

    app.get(
      '/trust/online-keys',
      { ...viewer, schema: { tags: ['releases'], response: { 200: OnlineKeys } } },
      async () => currentOnlineKeys(deps),
    );

    app.get('/trust', { ...viewer, schema: { tags: ['releases'], response: { 200: TrustView } } }, async () =>
      trustView(deps),
    );

    app.get(
      '/trust/status',
      { ...viewer, schema: { tags: ['releases'], response: { 200: TrustStatus } } },
      async () => trustStatus(deps),
    );

    app.post(
      '/trust',
      { ...admin, schema: { tags: ['releases'], body: InitTrust, response: { 201: TrustStatus } } },
      async (request, reply) => {
        await initTrust(deps, request.body, actorOf(request));
        return reply.code(201).send(await trustStatus(deps));
      },
    );

    app.post(
      '/trust/metadata',
      { ...admin, schema: { tags: ['releases'], body: NextMetadata, response: { 201: TrustStatus } } },
      async (request, reply) => {
        await acceptNext(deps, request.body, actorOf(request));
        return reply.code(201).send(await trustStatus(deps));
      },
    );

    app.post(
      '/trust/online-keys',
      { ...admin, schema: { tags: ['releases'], body: RotateOnline, response: { 201: OnlineKeys } } },
      async (request, reply) =>
        reply.code(201).send(await makeSuccessors(deps, request.body.roles, actorOf(request))),
    );

    app.get(
      '/trust/metadata/:name',
      { ...viewer, schema: { tags: ['releases'], params: z.object({ name: MetadataName }) } },
      async (request, reply) => {
        const text = await namedText(deps.db, request.params.name);
        if (text === undefined)
          throw new WaferError('request.not-found', `There is no ${request.params.name}.`);
        return reply.type('application/json').send(text);
      },
    );

    app.get(
      '/trust/roles/:role',
      {
        ...viewer,
        schema: { tags: ['releases'], params: z.object({ role: RoleName }), response: { 200: RoleMetadata } },
      },
      async (request) => {
        const found = await latestText(deps.db, request.params.role);
        if (found === undefined)
          throw new WaferError('request.not-found', `The role ${request.params.role} has no metadata yet.`);
        return found;
      },
    );
  };

export const releaseRoutes =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    app.get(
      '/releases',
      {
        onRequest: requireRole('viewer'),
        schema: { tags: ['releases'], querystring: PageQuery, response: { 200: ReleaseList } },
      },
      async (request) => listReleases(deps.db, request.query),
    );

    app.get(
      '/releases/:app/:version',
      {
        onRequest: requireRole('viewer'),
        schema: {
          tags: ['releases'],
          params: z.object({ app: AppName, version: Version }),
          response: { 200: ReleaseView },
        },
      },
      async (request) => releaseView(deps.db, request.params.app, request.params.version),
    );

    app.post(
      '/releases',
      {
        onRequest: requireRole('operator'),
        bodyLimit: METADATA_BODY_BYTES,
        schema: { tags: ['releases'], body: CreateRelease, response: { 200: ReleaseView, 201: ReleaseView } },
      },
      async (request, reply) => {
        const { release, created } = await publish(deps, request.body, actorOf(request));
        if (created) deps.live.publish({ type: 'release', app: release.app });
        return reply.code(created ? 201 : 200).send(await releaseView(deps.db, release.app, release.version));
      },
    );
  };
