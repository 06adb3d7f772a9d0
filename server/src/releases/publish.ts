/**
 * Publishing: the signed metadata and the bytes are checked against each other and against what the
 * component really is; then role, snapshot, timestamp and release are stored together or not at all.
 */
import {
  WaferError,
  describeRefusals,
  misnamed,
  refusals,
  type CreateRelease,
  type Digest,
  type ReleaseCustom,
} from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { z } from 'zod';
import { auditRow, type AuditActor } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { unpackChunk } from './blob.ts';
import { heldBy, pairFor } from './held.ts';
import { inspect, type Inspection } from './inspect.ts';
import { mustBeNext, mustBeSigned, mustNotBeExpired, receiveDoc, sha256, type Doc } from './metadata.ts';
import { nextOnline } from './online.ts';
import { addedRelease } from './role.ts';
import {
  blobLength,
  findRelease,
  insertRelease,
  readChunks,
  readTrust,
  storeMetadata,
  type ReleaseRow,
  type Trust,
} from './store.ts';
import { checkNextTargets, directorBlob, directorOf, mustBeDelegated } from './trust.ts';

type Request = z.infer<typeof CreateRelease>;

/** Publishers of other apps may come between read and write this often before it is told as a conflict. */
const ATTEMPTS = 20;

/** Throws every code of releases and trust; `created` is false when the release was there already. */
export async function publish(
  deps: Deps,
  request: Request,
  actor: AuditActor,
): Promise<{ release: ReleaseRow; created: boolean }> {
  let inspection: Inspection | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const existing = await findRelease(deps.db, request.app, request.version);
    if (existing !== undefined) return { release: sameOrConflict(existing, request.digest), created: false };
    const trust = await readTrust(deps.db, request.targets === undefined ? [request.app] : 'all');
    if (trust === undefined)
      throw new WaferError('trust.not-initialised', 'Send the first root and targets to POST /trust.');
    const signed = checkSignatures(deps, trust, request);
    const bytes = await readBlob(deps, request.digest);
    const custom = addedRelease(request, signed.old, signed.role, bytes);
    inspection ??= await inspect(bytes.whole);
    mustBeTrue(custom, inspection);
    const release = releaseRow(deps, request, custom, bytes.length, signed);
    if (await store(deps, trust, signed, release, actor)) return { release, created: true };
  }
  throw new WaferError('trust.version-conflict', 'Too many others publish at this moment. Try again.');
}

function sameOrConflict(existing: ReleaseRow, digest: Digest): ReleaseRow {
  if (existing.digest === digest) return existing;
  throw new WaferError(
    'release.exists',
    `${existing.app} ${existing.version} is ${existing.digest}. A version never changes: publish under a new one.`,
  );
}

interface Signed {
  /** The next targets, when they were sent. */
  readonly targets: Doc<'targets'> | undefined;
  readonly role: Doc<'targets'>;
  readonly old: Doc<'targets'> | undefined;
  /** Key ids of the delegation that signed the role. */
  readonly signers: readonly string[];
}

function checkSignatures(deps: Deps, trust: Trust, request: Request): Signed {
  const now = deps.clock.now();
  const old = trust.roles.find(({ role }) => role === request.app);
  const targets = request.targets && receiveDoc('targets', 'targets', request.targets);
  const role = receiveDoc('targets', request.app, request.role);
  if (targets !== undefined) {
    const others = trust.roles.filter((each) => each.role !== request.app);
    checkNextTargets(trust.root, trust.targets, targets, others, heldBy(deps.signers), now);
    mustKeepDirector(trust.targets, targets);
  }
  const delegator = targets ?? trust.targets;
  mustBeDelegated(delegator, request.app);
  mustBeSigned(delegator, role);
  mustBeNext(role, old?.version ?? 0);
  mustNotBeExpired(role, now);
  return { targets, role, old, signers: signersOf(delegator, role) };
}

/** Whom devices obey is an admin's business, and they have to be told: next.ts. */
function mustKeepDirector(old: Doc<'targets'>, next: Doc<'targets'>): void {
  if (!directorBlob(directorOf(next)).equals(directorBlob(directorOf(old))))
    throw new WaferError('release.metadata-invalid', 'Other director keys go to POST /trust/metadata.');
}

function signersOf(delegator: Doc<'targets'>, { role, meta }: Doc<'targets'>): string[] {
  const { delegations } = delegator.meta.signed;
  return (delegations?.roles?.[role]?.keyIDs ?? []).filter((id) => {
    const key = delegations?.keys[id];
    try {
      key?.verifySignature(meta);
      return key !== undefined;
    } catch {
      return false;
    }
  });
}

async function readBlob(deps: Deps, digest: Digest) {
  const length = await blobLength(deps.db, digest);
  if (length === undefined)
    throw new WaferError('component.missing', `Upload the component to PUT /blobs/${digest} first.`);
  const raw = await Promise.all((await readChunks(deps.db, digest)).map(unpackChunk));
  return { length, chunks: raw.map(sha256), whole: Buffer.concat(raw) };
}

const spelled = (names: readonly string[]): string => [...new Set(names)].toSorted().join(', ') || 'nothing';

/** What was signed about the component is what it is, and something grants all that it imports. */
function mustBeTrue(custom: ReleaseCustom, found: Inspection): void {
  const wrong = misnamed(custom.app, found.world);
  if (wrong !== undefined) throw new WaferError('component.unsupported', `${custom.app}: ${wrong}.`);
  if (found.version !== undefined && found.version !== custom.version)
    throw new WaferError(
      'release.metadata-invalid',
      `The bundle is of ${found.version}, not of ${custom.version}.`,
    );
  for (const side of ['imports', 'exports'] as const)
    if (spelled(custom[side]) !== spelled(found[side]))
      throw new WaferError(
        'release.metadata-invalid',
        `The metadata says that the component ${side} ${spelled(custom[side])}; it ${side} ${spelled(found[side])}.`,
      );
  if (custom.world !== found.world)
    throw new WaferError(
      'release.metadata-invalid',
      `The component is a ${found.world}, not a ${custom.world}.`,
    );
  const refused = refusals(custom.imports, custom.grants);
  if (refused.length > 0) throw new WaferError('component.import-refused', `${describeRefusals(refused)}.`);
}

function releaseRow(
  deps: Deps,
  { app, version, digest }: Request,
  custom: ReleaseCustom,
  length: number,
  signed: Signed,
): ReleaseRow {
  const { counter, world, imports, exports, grants, memoryMiB } = custom;
  const published = new Date(deps.clock.now());
  const signers = [...signed.signers];
  return {
    app,
    version,
    counter,
    digest,
    length,
    world,
    imports,
    exports,
    grants,
    memoryMiB,
    signers,
    published,
  };
}

async function store(
  deps: Deps,
  trust: Trust,
  signed: Signed,
  release: ReleaseRow,
  actor: AuditActor,
): Promise<boolean> {
  const at = deps.clock.now();
  const changed = signed.targets === undefined ? [signed.role] : [signed.targets, signed.role];
  const { snapshot, timestamp } = nextOnline(trust, changed, await pairFor(deps.signers, trust.root), at);
  const audit = auditRow({
    actor,
    at,
    action: 'release.published',
    subject: `release:${release.app}/${release.version}`,
    after: {
      digest: release.digest,
      counter: release.counter,
      grants: release.grants,
      signers: release.signers,
    },
  });
  return storeMetadata(
    deps.db,
    [...changed, snapshot, timestamp],
    insertRelease(release),
    sql`audited as (${audit})`,
  );
}
