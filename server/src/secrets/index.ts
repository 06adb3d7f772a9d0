/**
 * Secrets of apps: operators set values, devices get them sealed to their own key, guests read those that
 * they were granted. Nobody reads a value back here.
 *
 * Parties: the vault locks values with a key that lies in the data folder; rollouts/ works out which
 * device gets which value (align.ts) and has the vault seal it once for each device before a desired state
 * is sent; identity/ knows the devices' keys.
 *
 * Invariants: no value is in the database, a log, an audit event or an answer; a change is one statement
 * with its audit event and, for every device concerned, a new assignment, execution and outbox row; a
 * sealed value stays as it is until the value or the device's key changes, so that the same desired state
 * is sent for the same version. Whoever has the database and `secrets.key` can read every value; whoever
 * has one of them, none.
 */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { secretRoutes } from './routes.ts';

export { openVault, type Vault } from './vault.ts';

/** Routes under /apps/:app/secrets. */
export const secretsPlugin =
  (deps: Deps): FastifyPluginAsyncZod =>
  async (app) => {
    await app.register(secretRoutes(deps));
  };
