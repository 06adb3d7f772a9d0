/**
 * Releases: components, the signed metadata that makes them genuine, and how devices get both.
 *
 * Parties: the publisher signs root, targets and one role per app on a machine of its own; the
 * server checks them (trust.ts, role.ts, next.ts), adds snapshot and timestamp (online.ts) and serves all of
 * it as it was signed; devices verify everything again. An upload is bytes by their hash (blob.ts);
 * a release names one.
 *
 * Invariants: nothing is stored whose signatures do not verify; a release, its role's next version,
 * snapshot, timestamp and audit event are one statement; every change of what is trusted makes a new
 * snapshot and timestamp, whose primary keys put all such changes in one order; metadata is stored
 * and served byte for byte; what a component imports and exports is read from the component.
 */
import { Hours } from '@wafer/protocol';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { renewOnline } from './establish.ts';
import { Responder } from './messages.ts';
import { keepKeysYoung } from './rotation.ts';
import { releaseRoutes, trustRoutes } from './routes.ts';
import { uploadRoutes } from './uploads.ts';

export { renewOnline, trustedRoot } from './establish.ts';
export { currentFloor } from './floor.ts';
export { directorSigner } from './held.ts';
export { loadSigners, onlineKeys, type OnlineSigners } from './signers.ts';
export { findRelease, type ReleaseRow } from './store.ts';

const RENEWAL_CHECK = Hours(1);

/** Routes under /trust, /blobs and /releases; answers devices' requests; keeps the online roles fresh and their keys young. */
export const releasesPlugin =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(trustRoutes(deps));
    await app.register(releaseRoutes(deps));
    await app.register(uploadRoutes(deps));

    const responder = new Responder(deps);
    deps.bus.onMessage('request', (message) => responder.handle(message));

    const renew = (): Promise<void> =>
      renewOnline(deps).catch((error: unknown) =>
        deps.log.error({ err: error }, 'snapshot and timestamp were not renewed'),
      );
    const tend = async (): Promise<void> => {
      await renew();
      await keepKeysYoung(deps).catch((error: unknown) =>
        deps.log.error({ err: error }, 'the keys of the server were not looked after'),
      );
    };
    await tend();
    const timer = setInterval(() => void tend(), RENEWAL_CHECK);
    app.addHook('onClose', async () => clearInterval(timer));
  };
