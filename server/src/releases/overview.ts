/** Who may sign what and until when, for people: GET /trust/status and GET /trust. */
import {
  Days,
  EXPIRY_WARNING_DAYS,
  type TrustRoleView,
  type TrustStatus,
  type TrustView,
} from '@wafer/protocol';
import type { Deps } from '../deps.ts';
import { namedBy } from './held.ts';
import type { Doc, Kind } from './metadata.ts';
import { waiting, type HeldKey, type Named, type OnlineSigners } from './signers.ts';
import { readTrust, type Trust } from './store.ts';
import { directorOf } from './trust.ts';

export async function trustStatus(deps: Deps): Promise<TrustStatus> {
  const trust = await readTrust(deps.db, 'all');
  if (trust === undefined) return { initialised: false, versions: {}, expires: {} };
  const docs = [trust.root, trust.targets, trust.snapshot, trust.timestamp, ...trust.roles];
  return {
    initialised: true,
    versions: Object.fromEntries(docs.map(({ role, version }) => [role, version])),
    expires: Object.fromEntries(docs.map(({ role, expires }) => [role, expires.toISOString()])),
  };
}

export async function trustView(deps: Deps): Promise<TrustView> {
  const trust = await readTrust(deps.db, 'all');
  if (trust === undefined)
    return { initialised: false, roles: [], director: [], online: onlineView(deps.signers, undefined) };
  return {
    initialised: true,
    roles: rolesOf(trust, deps.clock.now()),
    director: Object.keys(directorOf(trust.targets).keys),
    online: onlineView(deps.signers, namedBy(trust.root, trust.targets)),
  };
}

/** What the server signs itself is renewed days before it expires, so a month's warning would never end. */
function expiryOf(kind: TrustRoleView['kind'], expires: Date, nowMs: number): TrustRoleView['expiry'] {
  const left = expires.getTime() - nowMs;
  if (left <= 0) return 'expired';
  return kind !== 'online' && left <= Days(EXPIRY_WARNING_DAYS) ? 'soon' : 'fine';
}

function rolesOf({ root, targets, snapshot, timestamp, roles }: Trust, nowMs: number): TrustRoleView[] {
  const view = (
    role: string,
    kind: TrustRoleView['kind'],
    doc: Doc<Kind> | undefined,
    signers: { readonly keyIDs: string[]; readonly threshold: number } | undefined,
  ): TrustRoleView => ({
    role,
    kind,
    version: doc?.version ?? null,
    expires: doc?.expires.toISOString() ?? null,
    expiry: doc === undefined ? 'fine' : expiryOf(kind, doc.expires, nowMs),
    threshold: signers?.threshold ?? 1,
    keys: signers?.keyIDs ?? [],
  });
  const named = root.meta.signed.roles;
  const apps = Object.entries(targets.meta.signed.delegations?.roles ?? {});
  return [
    view('root', 'offline', root, named['root']),
    view('targets', 'offline', targets, named['targets']),
    view('snapshot', 'online', snapshot, named['snapshot']),
    view('timestamp', 'online', timestamp, named['timestamp']),
    ...apps.map(([app, delegated]) =>
      view(
        app,
        'app',
        roles.find(({ role }) => role === app),
        delegated,
      ),
    ),
  ];
}

function onlineView(signers: OnlineSigners, named: Named | undefined): TrustView['online'] {
  const stateOf = (key: HeldKey): TrustView['online'][number]['state'] => {
    if (waiting(signers, key.role, named) === key) return 'waiting';
    if (named === undefined) return signers.held(key.role).at(-1) === key ? 'signing' : 'replaced';
    return signers.held(key.role).findLast(({ id }) => named[key.role].includes(id)) === key
      ? 'signing'
      : 'replaced';
  };
  return signers.all.map((key) => ({
    role: key.role,
    keyid: key.id,
    made: key.made.toISOString(),
    state: stateOf(key),
  }));
}
