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
  publicHex,
  ReleaseCustom,
  releaseTarget,
  type ReleaseView,
  signDocument,
  type Version,
  WaferError,
} from '@wafer/protocol';
import { isDeepStrictEqual } from 'node:util';
import type { Api } from '../api/client.ts';
import { sha256, type TargetEntry, withDelegation, withTarget } from '../trust/documents.ts';
import type { Keyring } from '../trust/keyring.ts';
import { parseRoot, type Verified, verifyRole } from '../trust/verify.ts';
import type { Inspection } from './component.ts';
import type { Manifest } from './manifest.ts';

/** Times that a publisher who lost the race reads again. */
const ATTEMPTS = 5;

export interface Draft {
  readonly app: AppName;
  readonly version: Version;
  readonly digest: Digest;
  readonly length: number;
  /** All of `custom` but the counter, which the app's role decides. */
  readonly custom: Omit<ReleaseCustom, 'counter'>;
}

export type TrustApi = Pick<Api, 'role' | 'createRelease'>;

/** What the server holds for an app, verified; `role` is absent for an app that is new. */
interface Chain {
  readonly targets: Verified;
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

export async function readChain(api: TrustApi, keyring: Keyring, app: AppName): Promise<Chain> {
  const rootText = await keyring.root();
  if (rootText === undefined)
    throw new WaferError(
      'cli.keys-missing',
      `${keyring.folder} holds no root.json: run wafer keys init, or name the folder with --keys`,
    );
  const seen = await keyring.seen();
  const targets = verifyRole(parseRoot(rootText), 'targets', await api.role('targets'), seen['targets'] ?? 1);
  const isDelegated = targets.document.delegations?.roles.some(({ name }) => name === app) === true;
  if (!isDelegated) return { targets, role: undefined };
  return { targets, role: verifyRole(targets.metadata, app, await api.role(app), seen[app] ?? 1) };
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

async function signNext(keyring: Keyring, { targets, role }: Chain, draft: Draft, nowMs: number) {
  const { app, version, digest, length, custom } = draft;
  const counter = 1 + Math.max(0, ...Object.values(role?.document.targets ?? {}).map(counterOf));
  const entry: TargetEntry = { length, hashes: { sha256: digest }, custom: { ...custom, counter } };
  const next = withTarget(role?.document, releaseTarget(app, version, digest), entry, nowMs);
  if (role !== undefined) {
    const key = await requireKey(keyring, `app-${app}`, `the app "${app}" was first published elsewhere`);
    return {
      counter,
      metadata: { role: signDocument(next, key) },
      versions: { targets: targets.document.version, [app]: next.version },
    };
  }
  const targetsKey = await requireKey(
    keyring,
    'targets',
    `the app "${app}" is new, so targets must be signed`,
  );
  const key = await keyring.findOrMake(`app-${app}`);
  const nextTargets = withDelegation(targets.document, app, publicHex(key), nowMs);
  return {
    counter,
    metadata: { role: signDocument(next, key), targets: signDocument(nextTargets, targetsKey) },
    versions: { targets: nextTargets.version, [app]: next.version },
  };
}

/** 0 for the floor target, which has none. */
function counterOf({ custom }: TargetEntry): number {
  const counter = custom?.['counter'];
  return typeof counter === 'number' ? counter : 0;
}

async function requireKey(keyring: Keyring, name: string, why: string) {
  const key = await keyring.find(name);
  if (key !== undefined) return key;
  throw new WaferError('cli.keys-missing', `${why}, and ${keyring.folder} holds no ${name}.pem`);
}
