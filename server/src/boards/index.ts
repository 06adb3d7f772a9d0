/**
 * Boards: what the hardware tests found, and how the fleet's own devices did in their self-tests.
 *
 * Parties: whoever runs the hardware tests (a person or CI, with an operator's token) publishes a run;
 * everybody with a role reads runs, and the devices by architecture.
 *
 * Invariants: a run is stored as it was said and never changed; the last 200 are kept; a rig that was
 * skipped stays skipped, and is never counted as passed.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { boardRoutes } from './routes.ts';

/** Routes under /boards and /hardware-runs. */
export const boardsPlugin =
  (deps: Pick<Deps, 'clock' | 'db'>): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(boardRoutes(deps));
  };
