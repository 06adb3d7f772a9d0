/**
 * A release as it will be signed, and the publisher's dealings with the server's copy of the trust
 * chain: read, verify, extend by one target, sign, hand over; again from the start when somebody
 * else published meanwhile.
 */
import {
  type AppName,
  CHUNK_BYTES,
  type Clock,
  Digest,
  ReleaseCustom,
  releaseTarget,
  type ReleaseView,
  signDocument,
  type SignedMetadata,
  type Version,
  WaferError,
} from '@wafer/protocol';
import { isDeepStrictEqual } from 'node:util';
import type { Api } from '../api/client.ts';
import { type Anchor, trustedRoot } from '../trust/anchor.ts';
import {
  sha256,
  type TargetEntry,
  type TargetsDocument,
  floorIn,
  withDelegation,
  withFloor,
  withTarget,
} from '../trust/documents.ts';
import type { Keyring } from '../trust/keyring.ts';
import { type Verified, verifyRole } from '../trust/verify.ts';
import type { Inspection } from './component.ts';
import type { Manifest } from './manifest.ts';

/** Times that a publisher who lost the race reads again. */
const ATTEMPTS = 5;

export interface Draft {
  readonly app: AppName;
  readonly version: Version;
  readonly digest: Digest;
  readonly length: number;
  /** Raised along with the release; undefined leaves it as it is. */
  readonly floor?: number | undefined;
  /** All of `custom` but the counter, which the app's role decides. */
  readonly custom: Omit<ReleaseCustom, 'counter'>;
}

export type TrustApi = Pick<Api, 'role' | 'metadata' | 'createRelease'>;

/** What the server holds for an app, verified; `role` is absent for an app that published nothing. */
export interface Chain {
  readonly root: Anchor;
  readonly targets: Verified;
  readonly isDelegated: boolean;
  readonly role: Verified | undefined;
}

export function draftRelease(
  app: AppName,
  version: Version,
  component: Uint8Array,
  { imports, exports, world }: Inspection,
  { grants, limits }: Manifest,
): Draft {
  const digest = Digest.parse(sha256(component));
  const chunks = Array.from({ length: Math.ceil(component.length / CHUNK_BYTES) }, (_, index) =>
    sha256(component.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)),
  );
  const parsed = ReleaseCustom.omit({ counter: true }).safeParse({
    wafer: 1,
    app,
    version,
    world,
    imports,
    exports,
    grants,
    memoryMiB: limits.memoryMiB,
    chunks,
  });
  if (!parsed.success)
    throw new WaferError(
      'component.unsupported',
      `a release cannot describe it: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
    );
  return { app, version, digest, length: component.length, custom: parsed.data };
}

export async function readChain(
  api: Pick<TrustApi, 'role' | 'metadata'>,
  keyring: Keyring,
  app: AppName,
): Promise<Chain> {
  const root = await trustedRoot(api, keyring);
  const seen = await keyring.seen();
  const targets = verifyRole(root.metadata, 'targets', await api.role('targets'), seen['targets'] ?? 1);
  const isDelegated = targets.document.delegations?.roles.some(({ name }) => name === app) === true;
  const received = isDelegated ? await roleIfAny(api, app, seen[app]) : undefined;
  const role = received && verifyRole(targets.metadata, app, received, seen[app] ?? 1);
  return { root, targets, isDelegated, role };
}

/** An app may be delegated before it publishes; what was seen once must not be gone, though. */
async function roleIfAny(api: Pick<TrustApi, 'role'>, app: AppName, seenVersion: number | undefined) {
  try {
    return await api.role(app);
  } catch (error) {
    const isNew = error instanceof WaferError && error.code === 'request.not-found';
    if (!isNew || seenVersion !== undefined) throw error;
    return undefined;
  }
}

/** The release's counter when the app's role carries it already; release.exists when it differs. */
export function publishedCounter({ role }: Chain, draft: Draft): number | undefined {
  const prefix = `${draft.app}/${draft.version}/`;
  const found = Object.entries(role?.document.targets ?? {}).find(([path]) => path.startsWith(prefix));
  if (found === undefined) return undefined;
  const [path, { custom }] = found;
  if (path !== releaseTarget(draft.app, draft.version, draft.digest))
    throw new WaferError(
      'release.exists',
      `${draft.app} ${draft.version} was published with the digest ${path.slice(prefix.length, -'.wasm'.length)}, this one is ${draft.digest}: give it a new version`,
    );
  const { counter, ...rest } = ReleaseCustom.parse(custom);
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(rest)), JSON.parse(JSON.stringify(draft.custom))))
    throw new WaferError(
      'release.exists',
      `${draft.app} ${draft.version} was published asking for other grants or memory: give it a new version`,
    );
  return counter;
}

/** Signs the release on top of what the server has and hands it over; returns its counter. */
export async function signAndCreate(
  api: TrustApi,
  keyring: Keyring,
  clock: Clock,
  draft: Draft,
): Promise<{ counter: number; view: ReleaseView | undefined }> {
  for (let attempt = 1; ; attempt += 1) {
    const chain = await readChain(api, keyring, draft.app);
    const counter = publishedCounter(chain, draft);
    if (counter !== undefined) return { counter, view: undefined };
    const signed = await signNext(keyring, chain, draft, clock.now());
    try {
      const view = await api.createRelease({ ...draftNames(draft), ...signed.metadata });
      await keyring.raiseSeen(signed.versions);
      return { counter: signed.counter, view };
    } catch (error) {
      const lostTheRace = error instanceof WaferError && error.code === 'trust.version-conflict';
      if (!lostTheRace || attempt === ATTEMPTS) throw error;
    }
  }
}

const draftNames = ({ app, version, digest }: Draft) => ({ app, version, digest });

async function signNext(keyring: Keyring, chain: Chain, draft: Draft, nowMs: number) {
  const { targets, role, isDelegated } = chain;
  const { app, version, digest, length, custom } = draft;
  const counter = 1 + Math.max(0, ...Object.values(role?.document.targets ?? {}).map(counterOf));
  const entry: TargetEntry = { length, hashes: { sha256: digest }, custom: { ...custom, counter } };
  const added = withTarget(role?.document, releaseTarget(app, version, digest), entry, nowMs);
  const next = draft.floor === undefined ? added : withFloorAlong(added, draft, counter);
  if (isDelegated) {
    const signedRole = await signWith(keyring, keysOfApp(targets.document, app), next, {
      role: `app ${app}`,
      hint: 'another key was delegated to: publish where that key lies',
    });
    return {
      counter,
      metadata: { role: signedRole },
      versions: { targets: targets.document.version, [app]: next.version },
    };
  }
  const key = await keyring.findOrMake(`app-${app}`);
  const nextTargets = withDelegation(targets.document, app, key.publicHex, nowMs);
  const signedTargets = await signWith(keyring, chain.root.document.roles.targets, nextTargets, {
    role: 'targets',
    hint: `the app is new, so targets must be signed: run wafer keys delegate ${app} where those keys lie`,
  });
  return {
    counter,
    metadata: {
      role: signDocument(next, await keyring.open(key.name)),
      targets: signedTargets,
    },
    versions: { targets: nextTargets.version, [app]: next.version },
  };
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

function keysOfApp(targets: TargetsDocument, app: AppName): { keyids: string[]; threshold: number } {
  const found = targets.delegations?.roles.find(({ name }) => name === app);
  return found ?? { keyids: [], threshold: 1 };
}

/** 0 for the floor target, which has none. */
function counterOf({ custom }: TargetEntry): number {
  const counter = custom?.['counter'];
  return typeof counter === 'number' ? counter : 0;
}

/** Signed by those keys of a role that lie in the folder; cli.keys-missing when they are fewer than it takes. */
async function signWith(
  keyring: Keyring,
  { keyids, threshold }: { keyids: readonly string[]; threshold: number },
  document: TargetsDocument,
  { role, hint }: { role: string; hint: string },
): Promise<SignedMetadata> {
  const held = (await keyring.list()).filter(({ keyid }) => keyids.includes(keyid)).slice(0, threshold);
  if (held.length < threshold)
    throw new WaferError(
      'cli.keys-missing',
      `${keyring.folder} holds ${held.length} of the ${threshold} keys that sign for ${role}; ${hint}`,
    );
  const signatures = [];
  for (const { name } of held)
    signatures.push(...signDocument(document, await keyring.open(name)).signatures);
  return { signed: document, signatures };
}
