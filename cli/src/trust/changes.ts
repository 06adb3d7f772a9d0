/**
 * The changes of trust that a publisher may propose, as pure functions from what is to a pending
 * change. What a change takes along follows from what it touches: other targets keys mean targets
 * signed anew, and the role of an app is signed anew where too few of the keys that it has now signed it.
 */
import {
  type AppName,
  DIRECTOR_KEYS_TARGET,
  DirectorKeys,
  keyId,
  type OnlineKeys,
  type SignedMetadata,
  WaferError,
} from '@wafer/protocol';
import { isDeepStrictEqual } from 'node:util';
import type { Current } from './current.ts';
import {
  floorIn,
  keysOfApp,
  keysOfRole,
  nextRoot,
  renewed,
  type RoleKeys,
  type RootDocument,
  type TargetsDocument,
  withDelegation,
  withDirector,
  withFloor,
} from './documents.ts';
import { isSignedUnder, type Pending, unsigned } from './pending.ts';

/** A role whose keys publishers hold. */
export type OfflineRole = 'root' | 'targets' | AppName;

/** Said by root; the keys of the others by targets. */
export const isTopLevel = (role: string): role is 'root' | 'targets' => role === 'root' || role === 'targets';

interface Next {
  readonly root?: RootDocument;
  readonly targets?: TargetsDocument;
  readonly roles?: Readonly<Record<string, TargetsDocument>>;
}

const usage = (detail: string): WaferError => new WaferError('cli.usage', detail);

function propose(current: Current, next: Next, nowMs: number): Pending {
  const { root, targets, roles } = current;
  const hasOtherTargetsKeys =
    next.root !== undefined &&
    !isDeepStrictEqual(keysOfRole(next.root, 'targets'), keysOfRole(root.document, 'targets'));
  const targetsAfter = next.targets ?? (hasOtherTargetsKeys ? renewed(targets.document, nowMs) : undefined);
  const rolesAfter: Record<AppName, SignedMetadata> = {};
  const rolesBefore: Record<AppName, SignedMetadata> = {};
  for (const [app, { document, signed }] of roles) {
    const isShort = targetsAfter !== undefined && !isSignedUnder(targetsAfter, app, signed);
    const role = next.roles?.[app] ?? (isShort ? renewed(document, nowMs) : undefined);
    if (role === undefined) continue;
    rolesAfter[app] = unsigned(role);
    rolesBefore[app] = signed;
  }
  return {
    wafer: 1,
    base: { root: root.signed, targets: targets.signed, roles: rolesBefore },
    ...(next.root === undefined ? {} : { root: unsigned(next.root) }),
    ...(targetsAfter === undefined ? {} : { targets: unsigned(targetsAfter) }),
    roles: rolesAfter,
  };
}

/** Throws cli.usage for an app that nobody delegated to. */
export function keysNow({ root, targets }: Current, role: OfflineRole): RoleKeys {
  if (isTopLevel(role)) return keysOfRole(root.document, role);
  const found = keysOfApp(targets.document, role);
  if (found !== undefined) return found;
  throw usage(
    `${role} is neither root nor targets nor an app that has keys: run wafer keys delegate ${role}`,
  );
}

/** A key id looks like a public key. Nobody has the private half of one, so nobody could ever sign with it. */
function mustBeNoKeyIds(keys: readonly string[], { root, targets }: Current): void {
  const ids = new Set([root, targets].flatMap(({ document }) => knownKeyIds(document)));
  const id = keys.find((hex) => ids.has(hex));
  if (id !== undefined)
    throw usage(`${id} is the id of a key, not a public key: give the line that wafer keys make printed`);
}

const knownKeyIds = (document: RootDocument | TargetsDocument): string[] =>
  Object.keys(('keys' in document ? document : document.delegations)?.keys ?? {});

/** The role has these keys from then on, of which so many must sign. */
export function withRoleKeys(current: Current, role: OfflineRole, given: RoleKeys, nowMs: number): Pending {
  const { keys, threshold } = given;
  mustBeNoKeyIds(keys, current);
  if (threshold > keys.length)
    throw usage(
      `${role} would have ${keys.length} keys, of which ${threshold} would have to sign: that locks everybody out`,
    );
  if (isTopLevel(role))
    return propose(current, { root: nextRoot(current.root.document, { [role]: given }, nowMs) }, nowMs);
  const { document } = current.targets;
  for (const other of document.delegations?.roles ?? [])
    for (const id of keys.map(keyId))
      if (other.name !== role && other.keyids.includes(id))
        throw usage(`${id} is the key of ${other.name}: an app has a key of its own`);
  return propose(current, { targets: withDelegation(document, role, given, nowMs) }, nowMs);
}

/** Throws cli.usage when that many must sign already. */
export function withThreshold(
  current: Current,
  role: OfflineRole,
  threshold: number,
  nowMs: number,
): Pending {
  const before = keysNow(current, role);
  if (before.threshold === threshold) throw usage(`${threshold} must sign for ${role} already`);
  return withRoleKeys(current, role, { ...before, threshold }, nowMs);
}

export function addKeys(
  current: Current,
  role: OfflineRole,
  added: readonly string[],
  threshold: number | undefined,
  nowMs: number,
): Pending {
  const before = keysNow(current, role);
  for (const hex of added)
    if (before.keys.includes(hex)) throw usage(`${role} has the key ${keyId(hex)} already`);
  const given = { keys: [...before.keys, ...added], threshold: threshold ?? before.threshold };
  return withRoleKeys(current, role, given, nowMs);
}

/** `which` is a key id or its beginning. */
export function removeKey(
  current: Current,
  role: OfflineRole,
  which: string,
  threshold: number | undefined,
  nowMs: number,
): Pending {
  const before = keysNow(current, role);
  const gone = oneOf(before.keys, which, role);
  const given = { keys: before.keys.filter((hex) => hex !== gone), threshold: threshold ?? before.threshold };
  return withRoleKeys(current, role, given, nowMs);
}

function oneOf(keys: readonly string[], which: string, role: string): string {
  const found = keys.filter((hex) => keyId(hex).startsWith(which));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw usage(`${which} names ${found.length} keys of ${role}: ${keys.map(keyId).join(', ')}`);
}

/** Each of `old` (public keys) gives way to one of `fresh`. */
export function replaceKeys(
  current: Current,
  role: OfflineRole,
  replacements: ReadonlyMap<string, string>,
  nowMs: number,
): Pending {
  const { keys, threshold } = keysNow(current, role);
  const given = { keys: keys.map((hex) => replacements.get(hex) ?? hex), threshold };
  return withRoleKeys(current, role, given, nowMs);
}

/** Throws release.metadata-invalid for a floor that sinks or rules out all there is. */
export function raiseFloor(current: Current, app: AppName, floor: number, nowMs: number): Pending {
  const role = current.roles.get(app)?.document;
  if (role === undefined) throw new WaferError('release.not-found', `${app} has published nothing yet`);
  const was = floorIn(role, app);
  const counters = Object.values(role.targets).map(({ custom }) => Number(custom?.['counter'] ?? 0));
  const newest = Math.max(0, ...counters);
  if (floor <= was) throw usage(`the floor of ${app} is ${was} already, and may only rise`);
  if (floor > newest)
    throw usage(
      `a floor of ${floor} rules out every release of ${app}: the newest has the counter ${newest}`,
    );
  return propose(current, { roles: { [app]: withFloor(renewed(role, nowMs), app, floor) } }, nowMs);
}

/** The same for another year: `root`, `targets`, or apps. */
export function renew(current: Current, names: readonly string[], nowMs: number): Pending {
  const roles: Record<string, TargetsDocument> = {};
  for (const name of names) {
    if (isTopLevel(name)) continue;
    const role = current.roles.get(name as AppName);
    if (role === undefined) throw usage(`${name} is neither root nor targets nor an app that has published`);
    roles[name] = renewed(role.document, nowMs);
  }
  return propose(
    current,
    {
      ...(names.includes('root') ? { root: nextRoot(current.root.document, {}, nowMs) } : {}),
      ...(names.includes('targets') ? { targets: renewed(current.targets.document, nowMs) } : {}),
      roles,
    },
    nowMs,
  );
}

export const directorKeysOf = ({ targets }: TargetsDocument): DirectorKeys['keys'] => {
  const parsed = DirectorKeys.safeParse(targets[DIRECTOR_KEYS_TARGET]?.custom);
  return parsed.success ? parsed.data.keys : {};
};

/**
 * The server's successors take over. Snapshot and timestamp change at once; boards obey the old and
 * the new director key until the old one is removed, or the new one alone when `atOnce`.
 */
export function nameSuccessors(
  current: Current,
  { next }: OnlineKeys,
  atOnce: boolean,
  nowMs: number,
): Pending {
  const { snapshot, timestamp, director } = next ?? {};
  const one = (hex: string): RoleKeys => ({ keys: [hex], threshold: 1 });
  const changed = {
    ...(snapshot === undefined ? {} : { snapshot: one(snapshot) }),
    ...(timestamp === undefined ? {} : { timestamp: one(timestamp) }),
  };
  const { document } = current.targets;
  const kept = atOnce ? {} : directorKeysOf(document);
  return propose(
    current,
    {
      ...(Object.keys(changed).length === 0 ? {} : { root: nextRoot(current.root.document, changed, nowMs) }),
      ...(director === undefined
        ? {}
        : {
            targets: withDirector(
              document,
              { wafer: 1, keys: { ...kept, [keyId(director)]: director } },
              nowMs,
            ),
          }),
    },
    nowMs,
  );
}

/** Boards obey this director key no more. */
export function removeDirector(current: Current, which: string, nowMs: number): Pending {
  const { document } = current.targets;
  const keys = directorKeysOf(document);
  const gone = keyId(oneOf(Object.values(keys), which, 'the director'));
  const left = Object.fromEntries(Object.entries(keys).filter(([id]) => id !== gone));
  if (Object.keys(left).length === 0)
    throw usage('this is the only director key: run wafer keys rotate online --at-once instead');
  return propose(current, { targets: withDirector(document, { wafer: 1, keys: left }, nowMs) }, nowMs);
}
