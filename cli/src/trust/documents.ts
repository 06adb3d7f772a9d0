/**
 * The TUF documents that a publisher signs, as pure functions from what was there to what is next
 * (TUF 1.0.31, clauses 4.3 and 4.5). Times are ISO 8601 in whole seconds, as the specification wants.
 */
import {
  type AppName,
  canonicalBytes,
  delegatedPaths,
  DIRECTOR_KEYS_TARGET,
  type DirectorKeys,
  FloorCustom,
  floorTarget,
  keyId,
  type OnlineKeys,
  tufKey,
} from '@wafer/protocol';
import { createHash } from 'node:crypto';
import { z } from 'zod';

const SPEC_VERSION = '1.0.31';
const VALID_DAYS = 365;
const DAY_MS = 86_400_000;

/** Only the fields that are read or changed here; the rest of a document is carried along. */
const TargetEntry = z.looseObject({
  length: z.number().int().min(0),
  hashes: z.record(z.string(), z.string()),
  custom: z.record(z.string(), z.unknown()).optional(),
});
export type TargetEntry = z.infer<typeof TargetEntry>;

const PublicKey = z.looseObject({ keyval: z.looseObject({ public: z.string() }) });

const Delegation = z.looseObject({
  name: z.string(),
  keyids: z.array(z.string()),
  threshold: z.number().int().min(1),
  paths: z.array(z.string()).optional(),
  terminating: z.boolean(),
});

export const TargetsDocument = z.looseObject({
  _type: z.literal('targets'),
  spec_version: z.string(),
  version: z.number().int().min(1),
  expires: z.string(),
  targets: z.record(z.string(), TargetEntry),
  delegations: z
    .looseObject({ keys: z.record(z.string(), PublicKey), roles: z.array(Delegation) })
    .optional(),
});
export type TargetsDocument = z.infer<typeof TargetsDocument>;

export const expiryFrom = (nowMs: number): string =>
  new Date(nowMs + VALID_DAYS * DAY_MS).toISOString().replace(/\.\d{3}Z$/, 'Z');

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface RoleKeys {
  /** ed25519 public keys, hexadecimal. */
  readonly keys: readonly string[];
  readonly threshold: number;
}

const RootRole = z.looseObject({ keyids: z.array(z.string()), threshold: z.number().int().min(1) });

export const RootDocument = z.looseObject({
  _type: z.literal('root'),
  version: z.number().int().min(1),
  expires: z.string(),
  keys: z.record(z.string(), PublicKey),
  roles: z.looseObject({ root: RootRole, targets: RootRole, snapshot: RootRole, timestamp: RootRole }),
});
export type RootDocument = z.infer<typeof RootDocument>;
export type RootRoleName = 'root' | 'targets' | 'snapshot' | 'timestamp';

/**
 * Version 1 of root. Root and targets are held offline by the publisher, snapshot and timestamp
 * online by the server, 1 of 1 each.
 */
export function firstRoot(
  offline: { root: RoleKeys; targets: RoleKeys },
  online: Pick<OnlineKeys, 'snapshot' | 'timestamp'>,
  nowMs: number,
): RootDocument {
  const roles = {
    root: offline.root,
    targets: offline.targets,
    snapshot: { keys: [online.snapshot], threshold: 1 },
    timestamp: { keys: [online.timestamp], threshold: 1 },
  };
  const role = ({ keys, threshold }: RoleKeys) => ({ keyids: keys.map(keyId), threshold });
  return {
    _type: 'root',
    spec_version: SPEC_VERSION,
    version: 1,
    expires: expiryFrom(nowMs),
    consistent_snapshot: true,
    keys: keyTable(Object.values(roles).flatMap(({ keys }) => keys)),
    roles: {
      root: role(roles.root),
      targets: role(roles.targets),
      snapshot: role(roles.snapshot),
      timestamp: role(roles.timestamp),
    },
  };
}

const keyTable = (publicKeys: readonly string[]) =>
  Object.fromEntries(publicKeys.map((hex) => [keyId(hex), { ...tufKey(hex) }]));

/** The keys of a role of root, in the order in which it names them. */
export const keysOfRole = ({ keys, roles }: RootDocument, role: RootRoleName): RoleKeys => ({
  keys: roles[role].keyids.flatMap((id) => keys[id]?.keyval.public ?? []),
  threshold: roles[role].threshold,
});

/** The next version of root, in which `changed` roles have other keys; keys that none names are dropped. */
export function nextRoot(
  root: RootDocument,
  changed: Partial<Record<RootRoleName, RoleKeys>>,
  nowMs: number,
): RootDocument {
  const roles = { ...root.roles };
  const added: string[] = [];
  for (const [name, given] of Object.entries(changed) as [RootRoleName, RoleKeys][]) {
    roles[name] = { ...roles[name], keyids: given.keys.map(keyId), threshold: given.threshold };
    added.push(...given.keys);
  }
  const named = new Set(Object.values(roles).flatMap((role) => (role as { keyids: string[] }).keyids));
  const keys = Object.fromEntries(
    Object.entries({ ...root.keys, ...keyTable(added) }).filter(([id]) => named.has(id)),
  );
  return { ...root, version: root.version + 1, expires: expiryFrom(nowMs), keys, roles };
}

/** Version 1 of targets: no app yet, and the director's public keys as a target of their own. */
export function firstTargets({ director }: Pick<OnlineKeys, 'director'>, nowMs: number): TargetsDocument {
  return {
    _type: 'targets',
    spec_version: SPEC_VERSION,
    version: 1,
    expires: expiryFrom(nowMs),
    targets: { [DIRECTOR_KEYS_TARGET]: directorTarget(director) },
    delegations: { keys: {}, roles: [] },
  };
}

function directorTarget(director: DirectorKeys): TargetEntry {
  const bytes = canonicalBytes(director);
  return { length: bytes.length, hashes: { sha256: sha256(bytes) }, custom: director };
}

/** The next version of targets, in which boards take orders from these director keys and no others. */
export const withDirector = (
  targets: TargetsDocument,
  director: DirectorKeys,
  nowMs: number,
): TargetsDocument => ({
  ...renewed(targets, nowMs),
  targets: { ...targets.targets, [DIRECTOR_KEYS_TARGET]: directorTarget(director) },
});

/** The next version of targets or of an app's role that says the same for another year. */
export const renewed = (targets: TargetsDocument, nowMs: number): TargetsDocument => ({
  ...targets,
  version: targets.version + 1,
  expires: expiryFrom(nowMs),
});

/**
 * The next version of targets, with a terminating role for the app: what lies under the app's paths
 * is these keys' to say together, and nobody else is asked. A key that the app had before is its no longer.
 */
export function withDelegation(
  targets: TargetsDocument,
  app: AppName,
  given: RoleKeys,
  nowMs: number,
): TargetsDocument {
  const { keys, roles, ...rest } = targets.delegations ?? { keys: {}, roles: [] };
  const delegation = {
    name: app,
    keyids: given.keys.map(keyId),
    threshold: given.threshold,
    paths: delegatedPaths(app),
    terminating: true,
  };
  const others = roles.filter(({ name }) => name !== app);
  const named = new Set([...delegation.keyids, ...others.flatMap(({ keyids }) => keyids)]);
  const known = Object.entries({ ...keys, ...keyTable(given.keys) }).filter(([each]) => named.has(each));
  return {
    ...renewed(targets, nowMs),
    delegations: { ...rest, keys: Object.fromEntries(known), roles: [...others, delegation] },
  };
}

/** The keys of an app, in the order in which targets name them; undefined before it is delegated to. */
export function keysOfApp({ delegations }: TargetsDocument, app: AppName): RoleKeys | undefined {
  const found = delegations?.roles.find(({ name }) => name === app);
  if (found === undefined) return undefined;
  return {
    keys: found.keyids.flatMap((id) => delegations?.keys[id]?.keyval.public ?? []),
    threshold: found.threshold,
  };
}

/** Lowest counter that may still run; 0 while the app has no floor. */
export function floorIn({ targets }: TargetsDocument, app: AppName): number {
  const parsed = FloorCustom.safeParse(targets[floorTarget(app)]?.custom);
  return parsed.success ? parsed.data.floor : 0;
}

/** The same version of an app's role, in which nothing below `floor` may run any more. */
export function withFloor(role: TargetsDocument, app: AppName, floor: number): TargetsDocument {
  const custom: FloorCustom = { wafer: 1, floor };
  const bytes = canonicalBytes(custom);
  const target = { length: bytes.length, hashes: { sha256: sha256(bytes) }, custom };
  return { ...role, targets: { ...role.targets, [floorTarget(app)]: target } };
}

/** The next version of an app's role, or its first, with one more target. */
export function withTarget(
  role: TargetsDocument | undefined,
  path: string,
  target: TargetEntry,
  nowMs: number,
): TargetsDocument {
  return {
    ...(role ?? { _type: 'targets', spec_version: SPEC_VERSION, targets: {} }),
    version: (role?.version ?? 0) + 1,
    expires: expiryFrom(nowMs),
    targets: { ...role?.targets, [path]: target },
  };
}
