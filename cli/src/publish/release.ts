/**
 * A release as it will be signed, and what the server holds of the trust chain for its app, verified.
 * sign.ts extends the one by the other.
 */
import {
  type AppName,
  CHUNK_BYTES,
  Digest,
  ReleaseCustom,
  releaseTarget,
  type Version,
  WaferError,
} from '@wafer/protocol';
import { isDeepStrictEqual } from 'node:util';
import type { Api } from '../api/client.ts';
import { type Anchor, trustedRoot } from '../trust/anchor.ts';
import type { CeremonyApi } from '../trust/ceremony.ts';
import { sha256 } from '../trust/documents.ts';
import type { Keyring } from '../trust/keyring.ts';
import { type Verified, verifyRole } from '../trust/verify.ts';
import type { Inspection } from './component.ts';
import type { Manifest } from './manifest.ts';

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

export type TrustApi = Pick<Api, 'metadata'> & CeremonyApi;

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
      `${draft.app} ${draft.version} was published with the digest ${path.slice(prefix.length).split('.')[0]}, this one is ${draft.digest}: give it a new version`,
    );
  const { counter, ...rest } = ReleaseCustom.parse(custom);
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(rest)), JSON.parse(JSON.stringify(draft.custom))))
    throw new WaferError(
      'release.exists',
      `${draft.app} ${draft.version} was published asking for other grants or memory: give it a new version`,
    );
  return counter;
}
