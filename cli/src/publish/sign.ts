/**
 * From a draft to a signed release: read the chain, extend it by one target, sign, hand over; again from the
 * start when somebody else published meanwhile. A release that takes more signatures than the folder's
 * keys can give waits as a pending change of trust (../trust/ceremony.ts).
 */
import { type AppName, type Clock, releaseTarget, type SignedMetadata, WaferError } from '@wafer/protocol';
import { mustStartHere } from '../trust/brought.ts';
import {
  advance,
  mustBeAlone,
  type Outcome,
  pendingFile,
  remember,
  settle,
  signHere,
} from '../trust/ceremony.ts';
import {
  floorIn,
  keysOfApp,
  keysOfRole,
  type RoleKeys,
  type TargetEntry,
  TargetsDocument,
  withDelegation,
  withFloor,
  withTarget,
} from '../trust/documents.ts';
import type { Keyring } from '../trust/keyring.ts';
import {
  missingIn,
  type Pending,
  type PendingRelease,
  readPending,
  releaseOf,
  unsigned,
} from '../trust/pending.ts';
import { type Chain, type Draft, publishedCounter, readChain, type TrustApi } from './release.ts';

/** Times that a publisher who lost the race reads again. */
const ATTEMPTS = 5;

export interface Signed {
  readonly counter: number;
  /** Set when the release went, or still goes, from machine to machine. */
  readonly outcome?: Outcome;
}

/** Signs the release on top of what the server has; hands it over once as many have signed as must. */
export async function signAndCreate(
  api: TrustApi,
  keyring: Keyring,
  clock: Clock,
  draft: Draft,
  move: PendingRelease['move'],
): Promise<Signed> {
  const file = pendingFile(keyring);
  const waiting = await readPending(file);
  if (waiting !== undefined && isFor(draft, waiting)) {
    await mustStartHere(waiting, keyring);
    const outcome = await advance({ ...waiting, release: named(draft, move) }, keyring, { api, file });
    return { counter: counterIn(waiting, draft), outcome };
  }
  for (let attempt = 1; ; attempt += 1) {
    const chain = await readChain(api, keyring, draft.app);
    const counter = publishedCounter(chain, draft);
    if (counter !== undefined) return { counter };
    const proposed = await propose(keyring, chain, draft, move, clock.now());
    const signed = await signHere(proposed, keyring);
    const found = { counter: counterIn(proposed, draft) };
    if (missingIn(signed.pending).length > 0) {
      await mustBeAlone(keyring);
      return { ...found, outcome: await settle(signed, keyring, { api, file }) };
    }
    try {
      await api.createRelease(releaseOf(signed.pending, named(draft, move)));
      await remember(keyring, signed.pending);
      return found;
    } catch (error) {
      const lostTheRace = error instanceof WaferError && error.code === 'trust.version-conflict';
      if (!lostTheRace || attempt === ATTEMPTS) throw error;
    }
  }
}

const named = ({ app, version, digest }: Draft, move: PendingRelease['move']): PendingRelease => ({
  app,
  version,
  digest,
  ...(move === undefined ? {} : { move }),
});

const isFor = ({ app, version, digest }: Draft, { release }: Pending): boolean =>
  release?.app === app && release.version === version && release.digest === digest;

function counterIn({ roles }: Pending, { app, version, digest }: Draft): number {
  const role = TargetsDocument.parse(roles[app]?.signed);
  return counterOf(role.targets[releaseTarget(app, version, digest)]);
}

/** The next version of the app's role; for a new app the next targets too, which delegate to a key here. */
async function propose(
  keyring: Keyring,
  chain: Chain,
  draft: Draft,
  move: PendingRelease['move'],
  nowMs: number,
): Promise<Pending> {
  const { root, targets, role } = chain;
  const { app, version, digest, length, custom } = draft;
  const counter = 1 + Math.max(0, ...Object.values(role?.document.targets ?? {}).map(counterOf));
  const entry: TargetEntry = { length, hashes: { sha256: digest }, custom: { ...custom, counter } };
  const added = withTarget(role?.document, releaseTarget(app, version, digest), entry, nowMs);
  const next = draft.floor === undefined ? added : withFloorAlong(added, draft, counter);
  const roles: Record<AppName, SignedMetadata> = { [app]: unsigned(next) };
  const before: Record<AppName, SignedMetadata> = role === undefined ? {} : { [app]: role.signed };
  const pending: Pending = {
    wafer: 1,
    base: { root: root.signed, targets: targets.signed, roles: before },
    roles,
    release: named(draft, move),
  };
  const keys = keysOfApp(targets.document, app);
  if (keys !== undefined) {
    await mustHoldOne(keyring, keys, {
      role: `app ${app}`,
      hint: 'other keys were delegated to: publish where one of them lies',
    });
    return pending;
  }
  await mustHoldOne(keyring, keysOfRole(root.document, 'targets'), {
    role: 'targets',
    hint: `the app is new, so targets must be signed: run wafer keys delegate ${app} where those keys lie`,
  });
  const key = await keyring.findOrMake(`app-${app}`);
  const given = { keys: [key.publicHex], threshold: 1 };
  return { ...pending, targets: unsigned(withDelegation(targets.document, app, given, nowMs)) };
}

/** One version of the role for both: the release, and the floor that comes with it. */
function withFloorAlong(role: TargetsDocument, { app, floor = 0 }: Draft, counter: number): TargetsDocument {
  const was = floorIn(role, app);
  if (floor < was) throw new WaferError('cli.usage', `the floor of ${app} is ${was}, and may only rise`);
  if (floor > counter)
    throw new WaferError(
      'cli.usage',
      `--floor ${floor} would rule out this very release, whose counter is ${counter}`,
    );
  return withFloor(role, app, floor);
}

/** 0 for the floor target, which has none. */
function counterOf(entry: TargetEntry | undefined): number {
  const counter = entry?.custom?.['counter'];
  return typeof counter === 'number' ? counter : 0;
}

/** A folder without any key of a role has nothing to say in its name. Throws cli.keys-missing. */
async function mustHoldOne(
  keyring: Keyring,
  { keys, threshold }: RoleKeys,
  { role, hint }: { role: string; hint: string },
): Promise<void> {
  const held = await keyring.list();
  if (held.some(({ publicHex }) => keys.includes(publicHex))) return;
  throw new WaferError(
    'cli.keys-missing',
    `${keyring.folder} holds 0 of the ${threshold} keys that sign for ${role}; ${hint}`,
  );
}
