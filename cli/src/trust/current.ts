/** What the server has of the offline chain now, verified from this folder's root down. */
import type { AppName } from '@wafer/protocol';
import type { Api } from '../api/client.ts';
import { type Anchor, trustedRoot } from './anchor.ts';
import type { Keyring } from './keyring.ts';
import { type Verified, verifyRole } from './verify.ts';

export interface Current {
  readonly root: Anchor;
  readonly targets: Verified;
  /** Of the apps that have published. */
  readonly roles: ReadonlyMap<AppName, Verified>;
}

export type ChainApi = Pick<Api, 'role' | 'metadata' | 'trustStatus'>;

/** Throws cli.keys-missing, trust.signature-invalid. */
export async function readCurrent(api: ChainApi, keyring: Keyring): Promise<Current> {
  const root = await trustedRoot(api, keyring);
  const seen = await keyring.seen();
  const targets = verifyRole(root.metadata, 'targets', await api.role('targets'), seen['targets'] ?? 1);
  const { versions } = await api.trustStatus();
  const roles = new Map<AppName, Verified>();
  for (const { name } of targets.document.delegations?.roles ?? []) {
    // What was seen once must not be gone; what never was may be new.
    if (versions[name] === undefined && seen[name] === undefined) continue;
    const received = await api.role(name);
    roles.set(name as AppName, verifyRole(targets.metadata, name, received, seen[name] ?? 1));
  }
  await keyring.raiseSeen(
    Object.fromEntries(
      [['targets', targets] as const, ...roles].map(([role, { document }]) => [role, document.version]),
    ),
  );
  return { root, targets, roles };
}
