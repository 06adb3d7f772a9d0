/**
 * The engine of rollouts: brings releases to the devices of a channel wave by wave, and stops where a
 * gate says so.
 *
 * Parties: a person makes a rollout (make.ts, from what draft.ts works out and the preview shows) and
 * gives it orders (orders.ts); the planner (../plan) decides purely; observe.ts counts for it;
 * carry-out.ts writes what was decided; looker.ts says when to look. Devices know
 * nothing of rollouts: a member that is started *holds* the rollout's targets, the alignment
 * (../align.ts) makes assignments, executions and outbox rows of that, and what the device reports goes
 * into its executions as ever.
 *
 * A member's life: QUEUED, until a decision starts it; IN_PROGRESS, while its executions are under way;
 * then what they became, taken over once by `settle`. From then on the member stays as it is, whatever
 * the device says later. A member that did not succeed holds no more, so that its device is asked for
 * what the channel holds: it goes back, and no rollout that has stopped updates it when it returns.
 *
 * Invariants
 * - Every change names the revision that it was decided on and is one statement with its audit event,
 *   the members, their assignments, executions, timeline and outbox rows. Two servers, or a person and a
 *   server, never both succeed; who was second reads again. A crash leaves a step whole or undone.
 * - Members are counted and started under one revision, and what ends moves it on: never more than
 *   `inFlight` are under way, and none is started on numbers that have changed.
 * - A success is one only when the device's own list of apps names the digest of the release.
 * - A rollout that cannot be carried out is logged and left; the others go on.
 * - Whatever moves the channel by hand overtakes a rollout: it ends, and its targets hold no more.
 * - At the end of a rollout of a whole channel the channel itself is moved. Devices that failed in it are
 *   asked for the release again then, as any device of the channel is.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../../deps.ts';
import { Looker } from './looker.ts';
import { rolloutRoutes } from './routes.ts';

export { tickOnce } from './tick.ts';

/** Routes under /rollouts; looks at every rollout while the app is open, unless someone else does. */
export const rolloutEngine =
  (deps: Deps, { looks = true }: { looks?: boolean } = {}): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(rolloutRoutes(deps));
    if (!looks) return;
    const looker = new Looker(deps);
    app.addHook('onReady', async () => looker.start());
    app.addHook('onClose', async () => looker.stop());
  };
