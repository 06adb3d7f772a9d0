/**
 * `wafer keys init`: founds the trust of a server. Root and targets keys are made in the publisher's
 * folder; the server's public online keys are signed into version 1 of root and targets. Running it
 * again after a crash carries on where it stopped; a server that was founded by others is refused.
 */
import { Metadata, MetadataKind } from '@tufjs/models';
import { type Clock, keyId, publicHex, signDocument, type SignedMetadata, WaferError } from '@wafer/protocol';
import type { KeyObject } from 'node:crypto';
import type { Api } from '../api/client.ts';
import { firstRoot, firstTargets } from './documents.ts';
import type { Keyring } from './keyring.ts';

export interface Founded {
  readonly keys: string;
  /** Key ids. */
  readonly root: string;
  readonly targets: string;
  /** False when these keys had founded this server before. */
  readonly fresh: boolean;
}

type TrustApi = Pick<Api, 'trustStatus' | 'onlineKeys' | 'initTrust' | 'role'>;

export async function initTrust(api: TrustApi, keyring: Keyring, clock: Clock): Promise<Founded> {
  const status = await api.trustStatus();
  if (status.initialised) return alreadyFounded(api, keyring);
  if ((await keyring.root()) !== undefined)
    throw new WaferError(
      'trust.version-conflict',
      `the keys in ${keyring.folder} founded another server: choose another folder with --keys`,
    );
  const online = await api.onlineKeys();
  const rootKey = await keyring.findOrMake('root');
  const targetsKey = await keyring.findOrMake('targets');
  const offline = { root: publicHex(rootKey), targets: publicHex(targetsKey) };
  const now = clock.now();
  const root = signDocument(firstRoot(offline, online, now), rootKey);
  await api.initTrust({ root, targets: signDocument(firstTargets(online, now), targetsKey) });
  await keyring.saveRoot(root);
  return foundedBy(keyring, rootKey, targetsKey, true);
}

/** The server has a root: either these keys made it (perhaps in a run that was cut off), or others did. */
async function alreadyFounded(api: TrustApi, keyring: Keyring): Promise<Founded> {
  const rootKey = await keyring.find('root');
  const targetsKey = await keyring.find('targets');
  const root = await api.role('root');
  if (rootKey === undefined || targetsKey === undefined || !isRootOf(root, rootKey, targetsKey))
    throw new WaferError(
      'trust.version-conflict',
      `this server's root was signed with other keys than those in ${keyring.folder}: name their folder with --keys`,
    );
  if ((await keyring.root()) === undefined) await keyring.saveRoot(root);
  return foundedBy(keyring, rootKey, targetsKey, false);
}

const foundedBy = (keyring: Keyring, root: KeyObject, targets: KeyObject, fresh: boolean): Founded => ({
  keys: keyring.folder,
  root: keyId(publicHex(root)),
  targets: keyId(publicHex(targets)),
  fresh,
});

/** Signed by our root key, and naming our targets key. */
function isRootOf(received: SignedMetadata, rootKey: KeyObject, targetsKey: KeyObject): boolean {
  try {
    const root = Metadata.fromJSON(MetadataKind.Root, received as never);
    const { roles, keys } = root.signed;
    keys[keyId(publicHex(rootKey))]?.verifySignature(root);
    return (
      roles['root']?.keyIDs.includes(keyId(publicHex(rootKey))) === true &&
      keys[keyId(publicHex(rootKey))]?.keyVal['public'] === publicHex(rootKey) &&
      roles['targets']?.keyIDs.includes(keyId(publicHex(targetsKey))) === true &&
      keys[keyId(publicHex(targetsKey))]?.keyVal['public'] === publicHex(targetsKey)
    );
  } catch {
    return false;
  }
}
