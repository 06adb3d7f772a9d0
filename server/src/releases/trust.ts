/**
 * Which offline metadata the server accepts as its trust, as pure rules. The server is not trusted
 * to judge releases; these rules keep a publisher's mistake from locking the fleet out, and keep
 * the server's own keys out of the roles that say what is genuine.
 */
import type { Key } from '@tufjs/models';
import {
  AppName,
  DIRECTOR_KEYS_TARGET,
  DirectorKeys,
  WaferError,
  canonicalBytes,
  delegatedPaths,
  keyId,
  type OnlineKeyRole,
} from '@wafer/protocol';
import { mustBeNext, mustBeSigned, mustNotBeExpired, sha256, type Doc } from './metadata.ts';

const refuse = (detail: string): never => {
  throw new WaferError('release.metadata-invalid', detail);
};

/** Content of the target director/keys.json: what devices get as its blob, byte for byte. */
export const directorBlob = (director: DirectorKeys): Buffer => canonicalBytes(director);

/** A key under two ids would count twice towards a threshold. */
function mustHaveHonestIds(keys: Readonly<Record<string, Key>>, where: string): void {
  for (const [id, key] of Object.entries(keys)) {
    const hex = key.keyVal['public'];
    if (key.keyType !== 'ed25519' || key.scheme !== 'ed25519' || hex === undefined)
      refuse(`Key ${id} of ${where} is ${key.keyType}; only ed25519 is served here.`);
    else if (keyId(hex) !== id)
      refuse(`Key ${id} of ${where} does not have the id that its content gives it.`);
  }
}

/** Key id → public key of everything that the server holds, by role. */
export type Held = Readonly<Record<OnlineKeyRole, Readonly<Record<string, string>>>>;

function mustDelegateOnline(root: Doc<'root'>, role: 'snapshot' | 'timestamp', held: Held): void {
  const { keyIDs, threshold } = root.meta.signed.roles[role] ?? { keyIDs: [], threshold: 0 };
  const [id] = keyIDs;
  const own = Object.keys(held[role]);
  if (id === undefined || keyIDs.length !== 1 || !own.includes(id) || threshold !== 1)
    return refuse(
      `The root must delegate ${role} to exactly one key of this server, ${own.join(' or ')}, threshold 1.`,
    );
  if (root.meta.signed.keys[id]?.keyVal['public'] !== held[role][id])
    refuse(`The root does not hold this server's ${role} key.`);
}

const heldIds = (held: Held): Set<string> =>
  new Set(Object.values(held).flatMap((keys) => Object.keys(keys)));

function mustStayOffline(ids: readonly string[], role: string, held: Held): void {
  const online = heldIds(held);
  for (const id of ids)
    if (online.has(id))
      refuse(`${role} is given to ${id}, a key that this server holds. Those keys stay offline.`);
}

/** The rules that every root keeps, the first as well as each that follows. */
function checkRoot(root: Doc<'root'>, held: Held, nowMs: number): void {
  const { keys, roles, consistentSnapshot } = root.meta.signed;
  mustNotBeExpired(root, nowMs);
  mustHaveHonestIds(keys, 'root');
  if (!consistentSnapshot) refuse('The root must set consistent_snapshot.');
  mustDelegateOnline(root, 'snapshot', held);
  mustDelegateOnline(root, 'timestamp', held);
  for (const role of ['root', 'targets'] as const) mustStayOffline(roles[role]?.keyIDs ?? [], role, held);
}

/** The keys that devices obey, as these targets say it in `custom`; refused unless all are this server's. */
export function directorOf(targets: Doc<'targets'>): DirectorKeys {
  const target = targets.meta.signed.targets[DIRECTOR_KEYS_TARGET];
  if (target === undefined) return refuse(`The targets must hold ${DIRECTOR_KEYS_TARGET}.`);
  const custom = DirectorKeys.safeParse(target.custom);
  return custom.success ? custom.data : refuse(`The custom of ${DIRECTOR_KEYS_TARGET} is no list of keys.`);
}

/** targets must hold director/keys.json, saying in `custom` and as content which director devices obey. */
function checkDirector(targets: Doc<'targets'>, held: Held): void {
  const director = directorOf(targets);
  const named = Object.entries(director.keys);
  if (named.length === 0 || named.some(([id, hex]) => held.director[id] !== hex))
    refuse(`The custom of ${DIRECTOR_KEYS_TARGET} is not the director's keys of this server.`);
  const target = targets.meta.signed.targets[DIRECTOR_KEYS_TARGET];
  const content = directorBlob(director);
  if (target?.length !== content.length || target.hashes['sha256'] !== sha256(content))
    refuse(`${DIRECTOR_KEYS_TARGET} must have the length and SHA-256 of the canonical JSON of the keys.`);
}

/** An app's role may speak for that app and for nothing else. */
function checkDelegations(targets: Doc<'targets'>, held: Held): void {
  const { delegations, targets: own } = targets.meta.signed;
  for (const path of Object.keys(own))
    if (path !== DIRECTOR_KEYS_TARGET)
      refuse(`The top-level targets hold ${path}; releases belong to their app's role.`);
  if (delegations === undefined) return;
  if (delegations.succinctRoles !== undefined) refuse('Delegate to roles by name, not to hash bins.');
  mustHaveHonestIds(delegations.keys, 'targets');
  for (const role of Object.values(delegations.roles ?? {})) {
    const app = AppName.safeParse(role.name);
    mustStayOffline(role.keyIDs, role.name, held);
    if (!app.success) return refuse(`The delegated role ${role.name} is no app's name.`);
    if (JSON.stringify(role.paths?.toSorted()) !== JSON.stringify(delegatedPaths(app.data).toSorted()))
      refuse(`The role ${role.name} must be delegated exactly ${delegatedPaths(app.data).join(' and ')}.`);
  }
}

function checkTargets(root: Doc<'root'>, targets: Doc<'targets'>, held: Held, nowMs: number): void {
  mustBeSigned(root, targets);
  mustNotBeExpired(targets, nowMs);
  checkDirector(targets, held);
  checkDelegations(targets, held);
}

/** The first root, trusted because its own threshold signed it, and the first targets. */
export function checkInit(root: Doc<'root'>, targets: Doc<'targets'>, held: Held, nowMs: number): void {
  mustBeSigned(root, root);
  if (root.version !== 1 || targets.version !== 1)
    refuse('Trust starts with version 1 of root and of targets.');
  checkRoot(root, held, nowMs);
  checkTargets(root, targets, held, nowMs);
}

/** TUF clause 5.3.4 and 5.3.5: signed by the old threshold and by its own. */
export function checkNextRoot(old: Doc<'root'>, next: Doc<'root'>, held: Held, nowMs: number): void {
  mustBeSigned(old, next);
  mustBeSigned(next, next);
  mustBeNext(next, old.version);
  checkRoot(next, held, nowMs);
}

/** The next targets; `roles` is every app's current role, none of which may lose its signature's worth. */
export function checkNextTargets(
  root: Doc<'root'>,
  old: Doc<'targets'>,
  next: Doc<'targets'>,
  roles: readonly Doc<'targets'>[],
  held: Held,
  nowMs: number,
): void {
  checkTargets(root, next, held, nowMs);
  mustBeNext(next, old.version);
  for (const role of roles) mustBeSigned(next, role);
}

export function mustBeDelegated(targets: Doc<'targets'>, app: AppName): void {
  if (!Object.hasOwn(targets.meta.signed.delegations?.roles ?? {}, app))
    refuse(
      `targets version ${targets.version} delegates nothing to ${app}. Send the next targets, with that delegation, along.`,
    );
}
