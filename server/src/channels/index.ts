/**
 * Channels: each holds one current release per app, with what was approved for it. Devices
 * subscribe to channels in an order; the first that holds an app decides.
 *
 * Parties: operators move channels; the approval that a move is goes on record with the grants
 * before and after. rollouts/ turns a move into assignments and tells devices; a rollout (rollouts/engine) proposes one and makes it at its end.
 *
 * Invariants: a move names the revision that it was planned on, and is one statement with all that
 * follows from it for devices; nothing is approved beyond what the release asks for; a move that
 * changes nothing writes nothing.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { channelRoutes } from './routes.ts';

export { approvedOf } from './plan.ts';
export { proposeMove, proposePin, type Proposal } from './propose.ts';

/** Routes under /channels. */
export const channelsPlugin =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(channelRoutes(deps));
  };
