/**
 * Pins: an operator gives one device a release of its own for an app, or takes that back; and the end of a
 * rest, which the engine gives to devices that fail again and again.
 *
 * A pin is checked as a move of a channel is: nothing is approved beyond what the release asks for. It counts
 * before channels and rollouts (../wanted.ts), so a pinned device is no member of a rollout of that app, and
 * one that is pinned while a rollout is about it leaves it.
 *
 * Every change names the revision that was read, and is one statement with its audit event and what follows
 * for the device.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../../deps.ts';
import { pinRoutes } from './routes.ts';

/** Routes under /pins and /devices/:id/{pins,rest}. */
export const pinsPlugin =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(pinRoutes(deps));
  };
