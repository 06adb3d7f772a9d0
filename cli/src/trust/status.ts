/** `wafer keys status`: who may sign what, until when, and which of those keys lie here. */
import type { OnlineKeys } from '@wafer/protocol';
import type { Api } from '../api/client.ts';
import { table } from '../table.ts';
import { pendingFile } from './ceremony.ts';
import { directorKeysOf } from './changes.ts';
import { type ChainApi, type Current, readCurrent } from './current.ts';
import { type Expiry, expiryOf, expiryWarnings } from './expiry.ts';
import type { HeldKey, Keyring } from './keyring.ts';
import { missingIn, readPending } from './pending.ts';

interface RoleStatus {
  readonly role: string;
  readonly version: number | null;
  readonly expires: string | null;
  readonly expiry: Expiry;
  readonly threshold: number;
  readonly keys: readonly {
    readonly keyid: string;
    /** Its name, when it lies here. */ readonly here: string | null;
  }[];
}

export interface KeysStatus {
  readonly folder: string;
  readonly roles: RoleStatus[];
  readonly keys: HeldKey[];
  /** Successors of the server's keys that wait to be named. */
  readonly waiting: NonNullable<OnlineKeys['next']>;
  readonly director: string[];
  readonly pending: { readonly file: string; readonly missing: number } | null;
  readonly warnings: string[];
}

export async function keysStatus(
  api: ChainApi & Pick<Api, 'onlineKeys'>,
  keyring: Keyring,
  nowMs: number,
): Promise<KeysStatus> {
  const current = await readCurrent(api, keyring);
  const keys = await keyring.list();
  const roles = rolesOf(current, keys, nowMs);
  const { next = {} } = await api.onlineKeys();
  const director = Object.keys(directorKeysOf(current.targets.document));
  const file = pendingFile(keyring);
  const pending = await readPending(file);
  const documents = roles.flatMap(({ role: name, expires }) => (expires === null ? [] : [{ name, expires }]));
  const warnings = [
    ...expiryWarnings(documents, nowMs),
    ...openKeys(keys),
    ...(Object.keys(next).length > 0
      ? ['the server has made new keys for itself: run wafer keys rotate online']
      : []),
    ...(director.length > 1
      ? [
          'boards obey more than one director key; once all have the new one: wafer keys remove director OLD-KEY-ID',
        ]
      : []),
    ...(pending === undefined ? [] : [`${file} waits for signatures`]),
  ];
  return {
    folder: keyring.folder,
    roles,
    keys,
    waiting: next,
    director,
    pending: pending === undefined ? null : { file, missing: missingIn(pending).length },
    warnings,
  };
}

function openKeys(keys: readonly HeldKey[]): string[] {
  const open = keys.filter(({ sealed }) => !sealed).map(({ name }) => name);
  if (open.length === 0) return [];
  return [
    `${open.join(', ')} lie here without a passphrase: fit for a first try, not for boards that matter. wafer keys seal`,
  ];
}

function rolesOf({ root, targets, roles }: Current, held: readonly HeldKey[], nowMs: number): RoleStatus[] {
  const keysOf = (keyids: readonly string[]) =>
    keyids.map((keyid) => ({ keyid, here: held.find((key) => key.keyid === keyid)?.name ?? null }));
  const of = (
    role: string,
    document: { version: number; expires: string } | undefined,
    { keyids, threshold }: { keyids: readonly string[]; threshold: number },
  ): RoleStatus => ({
    role,
    version: document?.version ?? null,
    expires: document?.expires ?? null,
    expiry: document === undefined ? 'fine' : expiryOf(document.expires, nowMs),
    threshold,
    keys: keysOf(keyids),
  });
  const { snapshot, timestamp } = root.document.roles;
  return [
    of('root', root.document, root.document.roles.root),
    of('targets', targets.document, root.document.roles.targets),
    // Signed by the server again and again; when they expire is no concern of these keys.
    of('snapshot', undefined, snapshot),
    of('timestamp', undefined, timestamp),
    ...(targets.document.delegations?.roles ?? []).map((delegation) =>
      of(delegation.name, roles.get(delegation.name as never)?.document, delegation),
    ),
  ];
}

export function describeStatus({ folder, roles, keys, director, warnings }: KeysStatus): string {
  const rows = roles.map(({ role, version, expires, threshold, keys: ids }) => [
    role,
    version === null ? '-' : String(version),
    expires ?? '-',
    `${threshold} of ${ids.length}`,
    ids.map(({ keyid, here }) => `${keyid.slice(0, 12)}${here === null ? '' : ` (${here})`}`).join(', '),
  ]);
  const held = keys.map(({ name, keyid, sealed }) => [
    name,
    keyid.slice(0, 12),
    sealed ? 'passphrase' : 'none: open',
  ]);
  return [
    table(['role', 'version', 'expires', 'sign', 'keys'], rows, 'no roles'),
    '',
    `director  ${director.map((id) => id.slice(0, 12)).join(', ')}`,
    '',
    `keys in ${folder}`,
    table(['name', 'key id', 'sealed with'], held, 'none lie here'),
    ...(warnings.length === 0 ? [] : ['', ...warnings.map((line) => `warning: ${line}`)]),
  ].join('\n');
}
