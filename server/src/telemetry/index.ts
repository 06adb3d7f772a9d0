/**
 * Telemetry: what devices report, into Postgres and onto the page.
 *
 * Parties: a device numbers its reports and keeps each until it is acknowledged; health, log lines
 * and guests' messages it sends once. Rollouts' executions and devices' rows change here, because
 * they change in the statement that stores the report.
 *
 * Invariants
 * - An acknowledged report is in Postgres, with all that follows from it. One that is not is sent
 *   again. One that came twice counts once (report-store.ts).
 * - What does not parse is counted and dropped, and changes nothing.
 * - The rest may be lost, within bounds and counted: buffers are bounded, and keep what they hold
 *   while Postgres is away (buffer.ts).
 * - Nothing grows for ever (retention.ts).
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { receiveTelemetry } from './messages.ts';
import { SWEEP_EVERY, sweepTelemetry } from './retention.ts';
import { telemetryRoutes } from './routes.ts';

export { readGuestMessages, readLatestHealth } from './queries.ts';
export { sweepTelemetry } from './retention.ts';

/** Routes below /devices, the device's messages, and the sweep; to be registered once. */
export function telemetry(deps: Pick<Deps, 'bus' | 'clock' | 'db' | 'live' | 'log'>): FastifyPluginAsyncZod {
  return async (app) => {
    await app.register(telemetryRoutes(deps));
    const receiver = receiveTelemetry(deps);
    const sweep = setInterval(() => {
      sweepTelemetry(deps).catch((err: unknown) => deps.log.warn({ err }, 'the sweep of telemetry failed'));
    }, SWEEP_EVERY);
    sweep.unref();
    app.addHook('onClose', async () => {
      clearInterval(sweep);
      await receiver.close();
    });
  };
}
