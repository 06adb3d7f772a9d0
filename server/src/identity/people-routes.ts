/** HTTP of people, for admins: who there is, what each may do, and where each is signed in. */
import { randomUUID } from 'node:crypto';
import {
  InvitedPerson,
  InvitePerson,
  PersonList,
  SessionList,
  UpdatePerson,
  WaferError,
} from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { actorOf, requireRole } from '../http/auth.ts';
import { INVITATION_LIFE, type People } from './people.ts';
import {
  changeRole,
  endSession,
  findPerson,
  insertPerson,
  listPeople,
  listSessions,
  removePerson,
} from './people-store.ts';

export interface PeopleParts {
  readonly people: People;
  /** A sign-in link of the dashboard, from its secret part. */
  readonly link: (token: string) => string;
}

const tags = ['people'];
const OnePerson = z.object({ id: z.string().min(1).max(64) });
const nothing = { 204: z.undefined() };

const missing = (id: string): WaferError => new WaferError('request.not-found', `There is no person ${id}.`);

function check(outcome: 'done' | 'missing' | 'last-admin', id: string): void {
  if (outcome === 'missing') throw missing(id);
  if (outcome === 'last-admin')
    throw new WaferError('person.last-admin', 'Make somebody else an admin first: nobody could undo this.');
}

const expiry = (now: number): string => new Date(now + INVITATION_LIFE).toISOString();

export const personRoutes = ({ db, clock }: Deps, { people, link }: PeopleParts): FastifyPluginAsyncZod => {
  const onRequest = requireRole('admin');
  return async (app) => {
    app.get('/people', { onRequest, schema: { tags, response: { 200: PersonList } } }, async () => ({
      items: await listPeople(db, clock.now()),
    }));

    app.post(
      '/people',
      { onRequest, schema: { tags, body: InvitePerson, response: { 201: InvitedPerson } } },
      async (request, reply) => {
        const person = { id: randomUUID(), ...request.body, email: request.body.email.toLowerCase() };
        if (!(await insertPerson(db, person, actorOf(request), clock.now())))
          throw new WaferError('person.exists', `Somebody has the address ${person.email} already.`);
        const url = link(await people.inviteLink(person.email));
        return reply.code(201).send({ id: person.id, url, expires: expiry(clock.now()) });
      },
    );

    app.post(
      '/people/:id/invitations',
      { onRequest, schema: { tags, params: OnePerson, response: { 201: InvitedPerson } } },
      async (request, reply) => {
        const { id } = request.params;
        const person = await findPerson(db, id);
        if (person === undefined) throw missing(id);
        // On record first: better-auth writes the link by itself.
        await people.record(actorOf(request), 'person.invited-again', `person:${id}`);
        const url = link(await people.inviteLink(person.email));
        return reply.code(201).send({ id, url, expires: expiry(clock.now()) });
      },
    );

    app.put(
      '/people/:id/role',
      { onRequest, schema: { tags, params: OnePerson, body: UpdatePerson, response: nothing } },
      async (request, reply) => {
        const { id } = request.params;
        check(await changeRole(db, id, request.body.role, actorOf(request), clock.now()), id);
        return reply.code(204).send();
      },
    );

    app.delete(
      '/people/:id',
      { onRequest, schema: { tags, params: OnePerson, response: nothing } },
      async (request, reply) => {
        const { id } = request.params;
        check(await removePerson(db, id, actorOf(request), clock.now()), id);
        return reply.code(204).send();
      },
    );

    app.get(
      '/people/sessions',
      { onRequest, schema: { tags, response: { 200: SessionList } } },
      async () => ({ items: await listSessions(db, clock.now()) }),
    );

    app.delete(
      '/people/sessions/:id',
      { onRequest, schema: { tags, params: OnePerson, response: nothing } },
      async (request, reply) => {
        const { id } = request.params;
        if (!(await endSession(db, id, undefined, actorOf(request), clock.now())))
          throw new WaferError('request.not-found', `There is no session ${id}.`);
        return reply.code(204).send();
      },
    );
  };
};
