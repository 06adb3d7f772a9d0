/**
 * Audit: who changed what, when, from where. Append-only, and hash-chained.
 *
 * Parties: every context writes events (event.ts), as part of the one statement that makes the
 * change, so there is no change without its event and no event without its change. A trigger in the
 * database refuses to change or remove an event. The sealer (sealer.ts) chains and signs what was
 * written, a second behind. The keeper (keeper.ts) holds the key and the last head outside the
 * database, so that its superuser can neither alter, insert, remove nor cut short without being
 * found by `wafer audit verify` or by the dashboard. Admins read.
 */
import { join } from 'node:path';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { openKeeper } from './keeper.ts';
import { auditRoutes } from './routes.ts';
import { Sealer } from './sealer.ts';

export { auditRow, SERVER_ACTOR, type AuditActor } from './event.ts';

export function audit(deps: Pick<Deps, 'db' | 'clock' | 'log' | 'config'>): FastifyPluginAsyncZod {
  return async (app) => {
    const keeper = await openKeeper(join(deps.config.dataFolder, 'server'));
    const sealer = new Sealer({ ...deps, keeper });
    await app.register(auditRoutes(deps, { keeper, sealer }));
    sealer.start();
    app.addHook('onClose', () => sealer.stop());
  };
}
