/**
 * The next version of an app's role, checked as a pure rule: it is the previous one plus exactly one
 * release. Nothing that a device may be told to run is dropped, moved or changed silently; only what
 * the floor has ruled out may go.
 */
import type { TargetFile } from '@tufjs/models';
import {
  FloorCustom,
  ReleaseCustom,
  WaferError,
  floorTarget,
  releaseTarget,
  type AppName,
  type Digest,
  type Version,
} from '@wafer/protocol';
import type { Doc } from './metadata.ts';

export interface Announced {
  readonly app: AppName;
  readonly version: Version;
  readonly digest: Digest;
}

export interface BlobFacts {
  readonly length: number;
  /** SHA-256 of each chunk before compression. */
  readonly chunks: readonly string[];
}

const refuse = (detail: string): never => {
  throw new WaferError('release.metadata-invalid', detail);
};

const targetsOf = (doc: Doc<'targets'> | undefined): Record<string, TargetFile> =>
  doc?.meta.signed.targets ?? {};

function customOf(path: string, target: TargetFile): ReleaseCustom {
  const parsed = ReleaseCustom.safeParse(target.custom);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`).join('; ');
  return refuse(`The custom of ${path} does not fit: ${where}.`);
}

/** Lowest counter that may still run; 0 while the app has no floor. */
export function floorOf(app: AppName, role: Doc<'targets'> | undefined): number {
  const target = targetsOf(role)[floorTarget(app)];
  if (target === undefined) return 0;
  const parsed = FloorCustom.safeParse(target.custom);
  return parsed.success ? parsed.data.floor : refuse(`The custom of ${floorTarget(app)} says no floor.`);
}

/** Every release in a role, by path. A path that does not say what its custom says is refused. */
function releasesIn(app: AppName, role: Doc<'targets'> | undefined): Map<string, ReleaseCustom> {
  const found = new Map<string, ReleaseCustom>();
  for (const [path, target] of Object.entries(targetsOf(role))) {
    if (path === floorTarget(app)) continue;
    const custom = customOf(path, target);
    const digest = target.hashes['sha256'] as Digest;
    if (custom.app !== app || path !== releaseTarget(app, custom.version, digest))
      refuse(`${path} must be ${releaseTarget(app, custom.version, digest)}, as its custom and hash say.`);
    found.set(path, custom);
  }
  return found;
}

const sameTarget = (a: TargetFile, b: TargetFile | undefined): boolean => b !== undefined && a.equals(b);

function mustKeepWhatWas(app: AppName, old: Doc<'targets'> | undefined, next: Doc<'targets'>): void {
  const floor = floorOf(app, next);
  if (floor < floorOf(app, old)) refuse(`The floor of ${app} is ${floorOf(app, old)} and may only rise.`);
  if (old !== undefined && targetsOf(old)[floorTarget(app)] && !targetsOf(next)[floorTarget(app)])
    refuse(`${floorTarget(app)} must stay.`);
  for (const [path, custom] of releasesIn(app, old)) {
    const before = targetsOf(old)[path] as TargetFile;
    const after = targetsOf(next)[path];
    if (after === undefined && custom.counter < floor) continue;
    if (!sameTarget(before, after))
      refuse(
        `${path} of the previous version is missing or was changed; only releases below the floor may go.`,
      );
  }
}

/** A next version that brings no release: it renews, moves to another key or raises the floor. */
export function mustAddNothing(app: AppName, old: Doc<'targets'> | undefined, next: Doc<'targets'>): void {
  if (next.meta.signed.delegations !== undefined) refuse(`The role ${app} may not delegate further.`);
  mustKeepWhatWas(app, old, next);
  const before = releasesIn(app, old);
  for (const path of releasesIn(app, next).keys())
    if (!before.has(path)) refuse(`${path} is a new release: send it to POST /releases, with its bytes.`);
}

/** The one release that `next` adds, agreeing with the uploaded blob in everything that both say. */
export function addedRelease(
  announced: Announced,
  old: Doc<'targets'> | undefined,
  next: Doc<'targets'>,
  blob: BlobFacts,
): ReleaseCustom {
  const { app, version, digest } = announced;
  if (next.meta.signed.delegations !== undefined) refuse(`The role ${app} may not delegate further.`);
  mustKeepWhatWas(app, old, next);
  const before = releasesIn(app, old);
  const after = releasesIn(app, next);
  const added = [...after].filter(([path]) => !before.has(path));
  const path = releaseTarget(app, version, digest);
  const custom = after.get(path);
  if (custom === undefined || added.length !== 1 || added[0]?.[0] !== path)
    return refuse(
      `The role must add exactly one target, ${path}; it adds ${added.map(([p]) => p).join(', ') || 'none'}.`,
    );
  if (custom.counter !== Math.max(0, ...[...before.values()].map((each) => each.counter)) + 1)
    refuse(`The counter of ${path} is ${custom.counter}; it must be one more than the greatest before it.`);
  if (custom.counter < floorOf(app, next)) refuse(`The floor of ${app} rules out ${path} itself.`);
  const target = targetsOf(next)[path] as TargetFile;
  if (target.length !== blob.length)
    refuse(`${path} says ${target.length} bytes; ${blob.length} were uploaded.`);
  if (custom.chunks.join() !== blob.chunks.join())
    refuse(`The chunk hashes of ${path} are not those of the uploaded bytes.`);
  return custom;
}
