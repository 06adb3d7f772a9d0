/**
 * One run of the client workflow of TUF 1.0 (clause 5), at one fixed instant, over files in memory.
 * tuf-js's store judges every file; this decides which file comes next, and what is kept of those
 * that verified. tuf-js's own `Updater` is not used, for it departs from what a board needs:
 *
 * - it has no option for the clock (root.ts sets the instant), and writes files in place;
 * - it keeps timestamp and snapshot where only one of their keys was rotated, so that a fast-forward
 *   of the snapshot is not recovered from (5.3.11);
 * - it takes the length that a stolen online key signs as the bound of a download;
 * - it counts one key under two ids as two (twins.ts);
 * - it reads a delegated role's file from disk under a name that is not encoded.
 */
import type { Metadata, Root, TargetFile, Targets } from '@tufjs/models';
import { FaultError } from '@wafer/protocol';
import { EqualVersionError, ExpiredMetadataError } from 'tuf-js/dist/error.js';
import { TrustedMetadataStore } from 'tuf-js/dist/store.js';
import { reason } from '../log.ts';
import type { Fetcher } from './fetcher.ts';
import { freezeTime } from './root.ts';
import { refuseTwins } from './twins.ts';

/** Verified metadata by role; what is kept on disk. */
export type Files = ReadonlyMap<string, Buffer>;

export interface Target {
  readonly path: string;
  readonly length: number;
  readonly sha256: string;
  readonly custom: unknown;
}

/** One run over metadata, at one fixed instant; `Chain` is the one that does all of it by itself. */
export interface Verifier {
  /** What verified so far; each is as good as the roles above it. */
  readonly files: Files;
  /** The earliest expiry of the roles that verified, ms since 1970. */
  readonly expires: number;
  /** Root, timestamp, snapshot, targets, in this order. */
  refresh(): Promise<void>;
  /** Verifies the files as they are, without any download. Throws like `refresh`. */
  verifyFiles(): void | Promise<void>;
  readonly hasConsistentSnapshots: boolean;
  find(path: string): Promise<TargetFile | undefined>;
  /** As `find`; throws a `signature` fault for one without a SHA-256. */
  target(path: string): Promise<Target | undefined>;
}

export type VerifierOf = (files: Files, fetcher: Fetcher, at: number) => Verifier;

const MAX_BYTES = { root: 512_000, timestamp: 16_384, snapshot: 2_000_000, targets: 5_000_000 };
/** Rotations in one run; the rest follows in the next. */
const MAX_ROTATIONS = 256;
/** Roles that one search may visit. */
const MAX_VISITED = 32;

export class Chain implements Verifier {
  readonly #fetcher: Fetcher;
  readonly #files: Map<string, Buffer>;
  readonly #store: TrustedMetadataStore;
  readonly #at: Date;

  /** Throws a `signature` fault unless `files` has a root that is signed by its own keys. */
  constructor(files: Files, fetcher: Fetcher, at: number) {
    this.#fetcher = fetcher;
    this.#files = new Map(files);
    this.#at = new Date(at);
    const root = this.#files.get('root') ?? Buffer.alloc(0);
    this.#store = judged(() => {
      refuseTwins(root);
      return new TrustedMetadataStore(root);
    });
    freezeTime(this.#store, at);
  }

  get files(): Files {
    return this.#files;
  }

  get hasConsistentSnapshots(): boolean {
    return this.#store.root.signed.consistentSnapshot;
  }

  get expires(): number {
    const roles = [...this.#files.keys()].map((role) => this.#roleNamed(role)?.signed.expires);
    return Math.min(...roles.flatMap((at) => (at === undefined ? [] : Date.parse(at))));
  }

  async refresh(): Promise<void> {
    await this.#updateRoot();
    await this.#updateTimestamp();
    await this.#updateSnapshot();
    await this.#load('targets', 'root');
    // Roles that snapshot no longer knows are no longer delegated to.
    for (const role of this.#files.keys()) {
      if (!TOP_LEVEL.has(role) && this.#metaOf(role) === undefined) this.#files.delete(role);
    }
  }

  verifyFiles(): void {
    const file = (role: string): Buffer => this.#files.get(role) ?? Buffer.alloc(0);
    judged(() => {
      this.#store.updateTimestamp(file('timestamp'));
      this.#store.updateSnapshot(file('snapshot'), true);
      this.#store.updateDelegatedTargets(file('targets'), 'targets', 'root');
    });
  }

  async target(path: string): Promise<Target | undefined> {
    return targetOf(await this.find(path));
  }

  /** 5.6.7: in the order of delegation and depth first; a terminating delegation ends the search. */
  async find(path: string): Promise<TargetFile | undefined> {
    const toVisit = [{ role: 'targets', parent: 'root' }];
    const visited = new Set<string>();
    for (let next = toVisit.pop(); next !== undefined; next = toVisit.pop()) {
      const { role, parent } = next;
      if (visited.has(role)) continue;
      if (visited.size > MAX_VISITED) break;
      const { signed } = await this.#load(role, parent);
      visited.add(role);
      const found = Object.hasOwn(signed.targets, path) ? signed.targets[path] : undefined;
      if (found !== undefined) return found;
      const children: typeof toVisit = [];
      for (const child of signed.delegations?.rolesForTarget(path) ?? []) {
        children.unshift({ role: child.role, parent: role });
        if (!child.terminating) continue;
        toVisit.length = 0;
        break;
      }
      toVisit.push(...children);
    }
    return undefined;
  }

  /** 5.3. Every root that verified is kept, whatever comes after it. */
  async #updateRoot(): Promise<void> {
    for (let rotations = 0; rotations < MAX_ROTATIONS; rotations += 1) {
      const before = this.#store.root;
      const bytes = await this.#fetcher.metadata('root', before.signed.version + 1, MAX_BYTES.root);
      if (bytes === undefined) break;
      judged(() => {
        refuseTwins(bytes);
        this.#store.updateRoot(bytes);
      });
      this.#files.set('root', bytes);
      // 5.3.11: whoever had the old keys may have signed versions that nobody can rise above.
      if (lostKey(before, this.#store.root, 'timestamp') || lostKey(before, this.#store.root, 'snapshot')) {
        this.#files.delete('timestamp');
        this.#files.delete('snapshot');
      }
    }
    if (this.#store.root.signed.isExpired(this.#at)) {
      throw judgement(new ExpiredMetadataError('root.json is expired'));
    }
  }

  /** 5.4. One on disk that has expired still says which versions were seen. */
  async #updateTimestamp(): Promise<void> {
    const local = this.#files.get('timestamp');
    if (local !== undefined) verifies(() => this.#store.updateTimestamp(local));
    const bytes = await this.#download('timestamp', undefined, MAX_BYTES.timestamp);
    try {
      this.#store.updateTimestamp(bytes);
    } catch (error) {
      if (error instanceof EqualVersionError) return;
      throw judgement(error);
    }
    this.#files.set('timestamp', bytes);
  }

  /** 5.5. One on disk that is not the newest any more still says which versions were seen. */
  async #updateSnapshot(): Promise<void> {
    const local = this.#files.get('snapshot');
    if (local !== undefined && verifies(() => this.#store.updateSnapshot(local, true))) return;
    const meta = this.#store.timestamp?.signed.snapshotMeta;
    if (meta === undefined) throw new FaultError('signature', 'there is no timestamp to go by');
    const bytes = await this.#download('snapshot', meta.version, bound(meta.length, MAX_BYTES.snapshot));
    judged(() => this.#store.updateSnapshot(bytes));
    this.#files.set('snapshot', bytes);
  }

  /** 5.6, for targets and each role below it; `parent` is the role that this search came from. */
  async #load(role: string, parent: string): Promise<Metadata<Targets>> {
    const known = this.#store.getRole(role);
    if (known !== undefined) {
      // Verified before, but under another delegator perhaps, who gave it less.
      const delegator = this.#store.getRole(parent);
      if (delegator === undefined) throw new FaultError('signature', `${parent} is not trusted`, parent);
      judged(() => delegator.verifyDelegate(role, known));
      return known;
    }
    const meta = this.#metaOf(role);
    if (meta === undefined) throw new FaultError('signature', `snapshot does not list ${role}`, role);
    const local = this.#files.get(role);
    const isCurrent =
      local !== undefined && verifies(() => this.#store.updateDelegatedTargets(local, role, parent));
    if (!isCurrent) {
      const bytes = await this.#download(role, meta.version, bound(meta.length, MAX_BYTES.targets));
      judged(() => {
        refuseTwins(bytes);
        this.#store.updateDelegatedTargets(bytes, role, parent);
      });
      this.#files.set(role, bytes);
    }
    const loaded = this.#store.getRole(role);
    if (loaded === undefined) throw new FaultError('signature', `${role} is not a name for a role`, role);
    return loaded;
  }

  async #download(role: string, version: number | undefined, maxBytes: number): Promise<Buffer> {
    const asked = this.hasConsistentSnapshots ? version : undefined;
    const bytes = await this.#fetcher.metadata(role, asked, maxBytes);
    if (bytes === undefined) throw new FaultError('link', `the server has no metadata of ${role}`, role);
    return bytes;
  }

  #roleNamed(role: string) {
    switch (role) {
      case 'root':
        return this.#store.root;
      case 'timestamp':
        return this.#store.timestamp;
      case 'snapshot':
        return this.#store.snapshot;
      default:
        return this.#store.getRole(role);
    }
  }

  #metaOf(role: string) {
    const meta = this.#store.snapshot?.signed.meta ?? {};
    return Object.hasOwn(meta, `${role}.json`) ? meta[`${role}.json`] : undefined;
  }
}

/** Throws a `signature` fault for one without a SHA-256. */
export function targetOf(found: TargetFile | undefined): Target | undefined {
  if (found === undefined) return undefined;
  const { path, length, custom } = found;
  const { sha256 } = found.hashes;
  if (sha256 === undefined) throw new FaultError('signature', `${path} is signed without a SHA-256`, path);
  return { path, length, sha256, custom };
}

const TOP_LEVEL: ReadonlySet<string> = new Set(['root', 'timestamp', 'snapshot', 'targets']);

/** The length that is signed, if it is one that a board would take from anyone. */
const bound = (signed: number | undefined, maxBytes: number): number =>
  Math.min(signed ?? maxBytes, maxBytes);

/** Whether a key that could sign for `role` cannot any more. */
function lostKey(before: Metadata<Root>, after: Metadata<Root>, role: string): boolean {
  const keys = new Set(after.signed.roles[role]?.keyIDs);
  return (before.signed.roles[role]?.keyIDs ?? []).some((id) => !keys.has(id));
}

function verifies(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

function judged<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw judgement(error);
  }
}

/** What tuf-js throws, as a fault. */
function judgement(error: unknown): FaultError {
  if (error instanceof FaultError) return error;
  const cause = { cause: error };
  if (error instanceof ExpiredMetadataError) {
    return new FaultError(
      'expired',
      `the signed metadata is past its time: ${reason(error)}`,
      undefined,
      cause,
    );
  }
  return new FaultError('signature', `the metadata does not verify: ${reason(error)}`, undefined, cause);
}
