/**
 * The TUF documents that a publisher signs, as pure functions from what was there to what is next
 * (TUF 1.0.31, clauses 4.3 and 4.5). Times are ISO 8601 in whole seconds, as the specification wants.
 */
import {
  type AppName,
  canonicalBytes,
  delegatedPaths,
  DIRECTOR_KEYS_TARGET,
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
    .looseObject({ keys: z.record(z.string(), z.looseObject({})), roles: z.array(Delegation) })
    .optional(),
});
export type TargetsDocument = z.infer<typeof TargetsDocument>;

export const expiryFrom = (nowMs: number): string =>
  new Date(nowMs + VALID_DAYS * DAY_MS).toISOString().replace(/\.\d{3}Z$/, 'Z');

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * Version 1 of root. Root and targets are held offline by the publisher, snapshot and timestamp
 * online by the server; every role is 1 of 1. Keys are ed25519 public keys in hexadecimal.
 */
export function firstRoot(offline: { root: string; targets: string }, online: OnlineKeys, nowMs: number) {
  const publicKeys = [offline.root, offline.targets, online.snapshot, online.timestamp];
  const role = (hex: string) => ({ keyids: [keyId(hex)], threshold: 1 });
  return {
    _type: 'root',
    spec_version: SPEC_VERSION,
    version: 1,
    expires: expiryFrom(nowMs),
    consistent_snapshot: true,
    keys: Object.fromEntries(publicKeys.map((hex) => [keyId(hex), tufKey(hex)])),
    roles: {
      root: role(offline.root),
      targets: role(offline.targets),
      snapshot: role(online.snapshot),
      timestamp: role(online.timestamp),
    },
  };
}

/** Version 1 of targets: no app yet, and the director's public keys as a target of their own. */
export function firstTargets({ director }: OnlineKeys, nowMs: number): TargetsDocument {
  const bytes = canonicalBytes(director);
  return {
    _type: 'targets',
    spec_version: SPEC_VERSION,
    version: 1,
    expires: expiryFrom(nowMs),
    targets: {
      [DIRECTOR_KEYS_TARGET]: { length: bytes.length, hashes: { sha256: sha256(bytes) }, custom: director },
    },
    delegations: { keys: {}, roles: [] },
  };
}

/**
 * The next version of targets, with a terminating role for the app: what lies under the app's paths
 * is the app's key to say, and nobody else is asked.
 */
export function withDelegation(
  targets: TargetsDocument,
  app: AppName,
  publicKey: string,
  nowMs: number,
): TargetsDocument {
  const { keys, roles, ...rest } = targets.delegations ?? { keys: {}, roles: [] };
  const id = keyId(publicKey);
  const delegation = {
    name: app,
    keyids: [id],
    threshold: 1,
    paths: delegatedPaths(app),
    terminating: true,
  };
  return {
    ...targets,
    version: targets.version + 1,
    expires: expiryFrom(nowMs),
    delegations: {
      ...rest,
      keys: { ...keys, [id]: { ...tufKey(publicKey) } },
      roles: [...roles, delegation],
    },
  };
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
