/**
 * `wafer keys init`: founds the trust of a server. Root and targets keys are made in the publisher's
 * folder; the server's public online keys are signed into version 1 of root and targets. Running it
 * again after a crash carries on where it stopped; a server that was founded by others is refused.
 */
import { type Clock, keyId, WaferError } from '@wafer/protocol';
import type { Api } from '../api/client.ts';
import { anchorOf } from './anchor.ts';
import { advance, type CeremonyApi, mustBeAlone, type Outcome, pendingFile } from './ceremony.ts';
import { firstRoot, firstTargets } from './documents.ts';
import type { HeldKey, Keyring } from './keyring.ts';
import { unsigned } from './pending.ts';

export interface Founding {
  /** Root keys that are made here. */
  readonly rootKeys: number;
  /** Root keys that were made elsewhere, with `wafer keys make`; hexadecimal. */
  readonly rootPublic: readonly string[];
  readonly threshold: number;
}

export interface Founded {
  /** The folder. */
  readonly keys: string;
  /** Key ids. */
  readonly root: readonly string[];
  readonly threshold: number;
  readonly targets: readonly string[];
  /** False when these keys had founded this server before. */
  readonly fresh: boolean;
  /** Undefined once the server trusts the keys. */
  readonly pending: Outcome | undefined;
}

type TrustApi = Pick<Api, 'trustStatus' | 'onlineKeys'> & CeremonyApi;

export async function initTrust(
  api: TrustApi,
  keyring: Keyring,
  clock: Clock,
  founding: Founding,
): Promise<Founded> {
  const { rootKeys, rootPublic, threshold } = founding;
  const count = rootKeys + rootPublic.length;
  if (threshold > count)
    throw new WaferError(
      'cli.usage',
      `--threshold ${threshold} is more than the ${count} root keys there are`,
    );
  const status = await api.trustStatus();
  if (status.initialised) return alreadyFounded(api, keyring);
  if ((await keyring.root()) !== undefined)
    throw new WaferError(
      'trust.version-conflict',
      `the keys in ${keyring.folder} founded another server: choose another folder with --keys`,
    );
  await mustBeAlone(keyring);
  const online = await api.onlineKeys();
  const made: HeldKey[] = [];
  for (let number = 1; number <= rootKeys; number += 1)
    made.push(await keyring.findOrMake(number === 1 ? 'root' : `root.${number}`));
  const targetsKey = await keyring.findOrMake('targets');
  const offline = {
    root: { keys: [...made.map(({ publicHex }) => publicHex), ...rootPublic], threshold },
    targets: { keys: [targetsKey.publicHex], threshold: 1 },
  };
  const now = clock.now();
  const outcome = await advance(
    {
      wafer: 1,
      base: { roles: {} },
      root: unsigned(firstRoot(offline, online, now)),
      targets: unsigned(firstTargets(online, now)),
      roles: {},
    },
    keyring,
    { api, file: pendingFile(keyring) },
  );
  return {
    keys: keyring.folder,
    root: offline.root.keys.map(keyId),
    threshold,
    targets: [targetsKey.keyid],
    fresh: outcome.state === 'published',
    pending: outcome.state === 'published' ? undefined : outcome,
  };
}

/** The server has a root: either keys of this folder made it (perhaps in a run that was cut off), or others did. */
async function alreadyFounded(api: TrustApi, keyring: Keyring): Promise<Founded> {
  const refused = (why: string, cause?: unknown) =>
    new WaferError(
      'trust.version-conflict',
      `this server's root was signed with other keys than those in ${keyring.folder}: ${why}`,
      { cause },
    );
  const signed = await api.role('root');
  let anchor;
  try {
    anchor = anchorOf(JSON.stringify(signed));
  } catch (error) {
    throw refused('it does not verify', error);
  }
  const { roles, keys } = anchor.metadata.signed;
  const held = await keyring.list();
  // Anybody may name our keys; only whoever holds one can sign with it.
  const ours = held.filter(({ keyid }) => {
    try {
      if (roles['root']?.keyIDs.includes(keyid) !== true) return false;
      keys[keyid]?.verifySignature(anchor.metadata);
      return true;
    } catch {
      return false;
    }
  });
  if (ours.length === 0) throw refused('name their folder with --keys');
  if ((await keyring.root()) === undefined) await keyring.saveRoot(signed);
  return {
    keys: keyring.folder,
    root: [...(roles['root']?.keyIDs ?? [])],
    threshold: roles['root']?.threshold ?? 1,
    targets: [...(roles['targets']?.keyIDs ?? [])],
    fresh: false,
    pending: undefined,
  };
}
