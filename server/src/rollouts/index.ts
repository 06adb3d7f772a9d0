/**
 * Rollouts: which device should run what, how that goes, and telling the devices.
 *
 * Parties: channels/ moves a channel's release with `alignment` in its statement; identity/
 * has `assignNewDevice` called when a device enrols, devices/ calls `sendDesired` at every hello; telemetry/ writes what
 * devices report into `executions`; the runner sends what the outbox says. What moves a channel wave by
 * wave is built on top of this: plan/ decides purely, engine/ counts and carries out.
 *
 * Invariants: an assignment, its execution, the timeline, the device's desired version and the
 * outbox row change together (align.ts); the desired version only grows; the desired state is read
 * in one query and signed by the director; an execution without news times out.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { rolloutRoutes } from './routes.ts';
import { Runner } from './runner.ts';

export { untilNoDeadlock } from './again.ts';
export { alignment } from './align.ts';
export { readHolds } from './holds.ts';
export { alignApp, assignNewDevice } from './assign.ts';
export { openRolloutsNaming } from './named.ts';
export { sendDesired } from './send.ts';
export { drainOnce, sweepOnce } from './runner.ts';
export { assignments, executions } from './tables.ts';

const runners = new WeakMap<Deps, Runner>();

/** A hint that desired states changed, so that devices are told now and not at the next poll. */
export const wakeRunner = (deps: Deps): void => runners.get(deps)?.wake();

/** Routes under /executions; starts the runner, and stops it when the app closes. */
export const rolloutsPlugin =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(rolloutRoutes(deps));
    const runner = new Runner(deps);
    runners.set(deps, runner);
    app.addHook('onReady', async () => runner.start());
    app.addHook('onClose', async () => runner.stop());
  };
