/**
 * Devices: who is there, what each says of itself and what happened to it.
 *
 * Parties: a device says hello after every connect, and is then told what it should run (rollouts/);
 * the bus tells when a connection ends; telemetry/ says when a device was heard. Operators name
 * and tag devices.
 *
 * Invariants: a device is online only while it is heard: an end of its connection, 45 seconds of
 * silence and a restart of the server each make it offline. The timeline has a row for each change
 * of that, written by the statement that changes it, and for none that is no change. A hello that
 * could not be stored or answered because the database is away ends the connection, so that the
 * device asks again.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { sendDesired } from '../rollouts/index.ts';
import { receiveDevices, sweepSilent, SWEEP_EVERY, type OnHello } from './messages.ts';
import { deviceRoutes } from './routes.ts';
import { recordRestart } from './store.ts';

export { sweepSilent, type OnHello } from './messages.ts';
export { devices as devicesTable } from './tables.ts';
export interface DevicesParts {
  /** Answers a hello; sends the desired state unless given. */
  readonly onHello?: OnHello;
}

/** Routes below /devices, hello and presence, and the sweep of the silent; to be registered once. */
export function devices(deps: Deps, parts: DevicesParts = {}): FastifyPluginAsyncZod {
  const { onHello = (device) => sendDesired(deps, device) } = parts;
  return async (app) => {
    await app.register(deviceRoutes(deps));
    await recordRestart(deps.db, deps.bus.online(), deps.clock.now());
    receiveDevices(deps, onHello);
    const sweep = setInterval(() => {
      sweepSilent(deps).catch((err: unknown) => deps.log.warn({ err }, 'the sweep of silent devices failed'));
    }, SWEEP_EVERY);
    sweep.unref();
    app.addHook('onClose', async () => clearInterval(sweep));
  };
}
