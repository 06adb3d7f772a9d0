/**
 * Groups of devices: static ones, which are lists, and dynamic ones, which are saved queries.
 *
 * Parties: operators make groups, change them and see beforehand who fits; a claim token puts the devices
 * that enrol with it in a static group, which is made where it is missing (identity/ calls `makeMissing`
 * in its own statements); devices/ and rollouts/ ask with `membership` who is in a group now. A rollout
 * asks once, when it is made: whoever joins or leaves later changes nothing about it.
 *
 * Invariants
 * - One namespace: a name is a static or a dynamic group, never both.
 * - A device is in at most one static group (`devices.group_name`); whoever is to be in several groups
 *   has tags, and queries ask for them.
 * - Postgres alone evaluates a query, as one condition in which what people typed is a parameter. A
 *   query names static groups only, so that no group can ask for itself.
 * - A group that an open rollout names is not deleted, in the very statement that would delete it.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { groupRoutes, type GroupsParts } from './routes.ts';

export { membership } from './members.ts';
export { makeMissing } from './store.ts';

/** Routes under /groups. */
export const groupsPlugin =
  (deps: Deps, parts: GroupsParts): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(groupRoutes(deps, parts));
  };
