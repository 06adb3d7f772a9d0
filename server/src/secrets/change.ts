/** Setting and removing: read, check purely, write on what was read, or read again; then tell devices. */
import { randomUUID } from 'node:crypto';
import { WaferError, type AppName, type ChangedSecret } from '@wafer/protocol';
import type { AuditActor } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { alignApp, wakeRunner } from '../rollouts/index.ts';
import { channelOf, describePlace, mustFit, type Place } from './secret.ts';
import { deleteSecret, readSecrets, storeSecret } from './store.ts';

const ATTEMPTS = 20;

const answer = ({ app, scope, name }: Place, { devices }: { devices: number }): ChangedSecret => ({
  app,
  name,
  channel: channelOf(scope),
  devices,
});

/** Throws secret.too-large, secret.too-many, request.precondition-failed. */
export async function setSecret(
  deps: Deps,
  place: Place,
  value: Uint8Array,
  actor: AuditActor,
): Promise<ChangedSecret> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const held = await readSecrets(deps.db, place.app);
    mustFit(held, place, value.length);
    const id = randomUUID();
    const locked = deps.vault.lock(value, place, id);
    const stored = await storeSecret(deps, { ...place, id, locked, bytes: value.length, actor }, held);
    if (stored === undefined) continue;
    await tell(deps, place.app);
    return answer(place, stored);
  }
  throw new WaferError(
    'request.precondition-failed',
    `The secrets of ${place.app} are being changed by others. Try again.`,
  );
}

/** Throws secret.not-found. */
export async function removeSecret(deps: Deps, place: Place, actor: AuditActor): Promise<ChangedSecret> {
  const removed = await deleteSecret(deps, place, actor);
  if (removed === undefined)
    throw new WaferError('secret.not-found', `There is no secret ${describePlace(place)}.`);
  await tell(deps, place.app);
  return answer(place, removed);
}

/** The change is done; what follows is a hint and a repair, so its failure is not the change's. */
async function tell(deps: Deps, app: AppName): Promise<void> {
  wakeRunner(deps);
  try {
    if ((await alignApp(deps, app)).length > 0) wakeRunner(deps);
  } catch (error) {
    deps.log.warn({ err: error, app }, 'assignments will be looked at again by the sweep');
  }
}
