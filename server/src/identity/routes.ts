/** HTTP of identity: claim tokens, enrolment, revocation, and who one is. */
import { randomUUID } from 'node:crypto';
import {
  CreateClaim,
  CreatedClaim,
  CreatedSignInLink,
  DeviceId,
  EnrolRequest,
  EnrolResponse,
  Me,
  Seconds,
  WaferError,
} from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { auditRow } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { claimRoutes } from './claim-routes.ts';
import { cloneRoutes } from './clones.ts';
import { claimToken, hashSecret, newSecret } from './claims.ts';
import { enrol, type EnrolmentParts } from './enrol.ts';
import { LINK_LIFE, type People } from './people.ts';
import { passwordRoutes } from './password-routes.ts';
import { personRoutes } from './people-routes.ts';
import { renewalRoutes } from './renewal.ts';
import { insertClaim, revokeDevice } from './store.ts';
import { tokenRoutes } from './token-routes.ts';

export interface IdentityParts extends EnrolmentParts {
  readonly people: People;
  /** Where browsers find the dashboard, once it listens: `http://127.0.0.1:8080`, or its public address. */
  readonly dashboard: () => string;
}

export const signInUrl = (dashboard: string, token: string): string => `${dashboard}/sign-in?token=${token}`;

const enrolmentRoutes = (deps: Deps, parts: EnrolmentParts): FastifyPluginAsyncZod => {
  const { authority, clock, db } = deps;
  return async (app) => {
    app.route({
      method: 'POST',
      url: '/claim-tokens',
      onRequest: requireRole('operator'),
      schema: { tags: ['enrolment'], body: CreateClaim, response: { 201: CreatedClaim } },
      async handler(request, reply) {
        const { name, uses, expiresInSeconds, channels, group, tags } = request.body;
        const id = randomUUID();
        const secret = newSecret();
        const at = clock.now();
        const expires = at + Seconds(expiresInSeconds);
        const claim = { id, name, secretHash: hashSecret(secret), uses, expires, channels, group, tags };
        await insertClaim(db, claim, actorOf(request), at);
        const token = claimToken(authority.caDigest, secret);
        const created = { id, token, expires: new Date(expires).toISOString(), uses, server: parts.api() };
        return reply.code(201).send(created);
      },
    });

    app.route({
      method: 'POST',
      url: '/enrolments',
      bodyLimit: 32 * 1024,
      schema: { tags: ['enrolment'], body: EnrolRequest, response: { 201: EnrolResponse } },
      async handler(request, reply) {
        return reply.code(201).send(await enrol(deps, parts, request.body, request.ip));
      },
    });

    app.route({
      method: 'POST',
      url: '/devices/:id/revoke',
      onRequest: requireRole('admin'),
      schema: { tags: ['devices'], params: z.object({ id: DeviceId }), response: { 204: z.undefined() } },
      async handler(request, reply) {
        const device = request.params.id;
        const outcome = await revokeDevice(db, device, actorOf(request), clock.now());
        if (outcome === 'missing') throw new WaferError('device.not-found', `There is no device ${device}.`);
        // Also when it was revoked before: a session that survived then is cut now.
        await deps.bus.disconnect(device);
        deps.live.publish({ type: 'device', device });
        return reply.code(204).send();
      },
    });
  };
};

const peopleRoutes = (deps: Deps, { people, dashboard }: IdentityParts): FastifyPluginAsyncZod => {
  const { clock, db } = deps;
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/me',
      onRequest: requireRole('viewer'),
      schema: { tags: ['people'], response: { 200: Me } },
      handler: async (request) => {
        const { name, role, via } = actorOf(request);
        return { name, role, via };
      },
    });

    app.route({
      method: 'DELETE',
      url: '/session',
      onRequest: requireRole('viewer'),
      schema: { tags: ['people'], response: { 204: z.undefined() } },
      async handler(request, reply) {
        const { cookie } = request.headers;
        if (actorOf(request).via === 'session' && cookie !== undefined)
          void reply.header('set-cookie', await people.signOut(cookie, actorOf(request)));
        return reply.code(204).send();
      },
    });

    app.route({
      method: 'POST',
      url: '/sign-in-links',
      onRequest: requireRole('admin'),
      schema: { tags: ['people'], response: { 201: CreatedSignInLink } },
      async handler(request, reply) {
        // On record first: better-auth writes the link by itself, and a link without its event must not be.
        const event = {
          actor: actorOf(request),
          at: clock.now(),
          action: 'sign-in-link.created',
          subject: 'admin',
        };
        await db.execute(auditRow(event));
        const url = signInUrl(dashboard(), await people.createLink());
        const expires = new Date(clock.now() + LINK_LIFE).toISOString();
        return reply.code(201).send({ url, expires });
      },
    });
  };
};

/** Everything of identity below /api/v1. */
export function identity(deps: Deps, parts: IdentityParts): FastifyPluginAsyncZod {
  return async (app) => {
    await app.register(enrolmentRoutes(deps, parts));
    await app.register(claimRoutes(deps));
    await app.register(cloneRoutes(deps));
    await app.register(renewalRoutes(deps));
    await app.register(peopleRoutes(deps, parts));
    const { people } = parts;
    const link = (token: string): string => signInUrl(parts.dashboard(), token);
    await app.register(personRoutes(deps, { people, link }));
    await app.register(passwordRoutes(deps, people));
    await app.register(tokenRoutes(deps));
  };
}
