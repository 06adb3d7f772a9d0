/**
 * Finding a path beneath an open folder, so that nothing outside can be reached: not by `..`, not by an
 * absolute path, not through a symbolic link, and not by swapping a folder for a link between the check
 * and the use.
 *
 * A path is never handed to the system as a whole. Each component is opened by itself, relative to the
 * descriptor of the folder before it (`/proc/self/fd/<n>/<name>`, Linux's way of `openat` without native
 * code) and never following a link. `..` goes back to the descriptor that was walked through, and not
 * above the first. A symbolic link is read and its components are walked under the same rules; so a link
 * works where it stays beneath, and is `not-permitted` where it leads out, whoever made it. Where a grant
 * covers /proc, the folders of processes there count as outside.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync, statfsSync } from 'node:fs';
import { errno, fail, type ErrorCode } from './errno.ts';
import { WitError } from './host.ts';

/** Linux's O_PATH: a descriptor to walk through, which needs no read permission. Node has no name for it. */
const O_PATH = 0o10000000;

export const WALK = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

const MAX_LINKS = 40;
const MAX_PATH_CHARACTERS = 4096;

/** The path leads out of what was granted: `not-permitted` to the guest, and to be put on record. */
export class LeadsOut extends WitError<ErrorCode> {
  constructor() {
    super('not-permitted');
  }
}

/** The last step of a path: `name` in the folder `parent`. `name` is one component, or `.`. */
export interface Place {
  /** To be handed to the system together with a flag that does not follow links. */
  readonly path: string;
  /** The path ended in a slash, so it has to be a folder. */
  readonly isFolder: boolean;
  /** Folders between the root and `parent`. */
  readonly depth: number;
}

export const inFolder = (descriptor: number, name: string): string => `/proc/self/fd/${descriptor}/${name}`;

const PROCESS = /^\d+$/;
const PROC_MAGIC = 0x9fa0;
const PROC_ROOT_INODE = 1n;

/**
 * Whether this is a process's folder in a procfs. Such folders lead everywhere: the agent's own has its
 * memory, its environment and what it has open.
 */
export function isProcess(folder: number, name: string): boolean {
  if (!PROCESS.test(name)) return false;
  if (fstatSync(folder, { bigint: true }).ino !== PROC_ROOT_INODE) return false;
  return statfsSync(inFolder(folder, '.')).type === PROC_MAGIC;
}

const components = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

/** The target of a symbolic link; undefined when the name is something else or nothing. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (errno(error) === 'EINVAL' || errno(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** One resolution: descriptors that it opened, and how many links it may still follow. */
class Walker {
  readonly #opened: number[] = [];
  readonly #root: number;
  #links = 0;

  constructor(root: number) {
    this.#root = root;
  }

  get depth(): number {
    return this.#opened.length;
  }

  get #current(): number {
    return this.#opened.at(-1) ?? this.#root;
  }

  /** Throws `LeadsOut` at the root. */
  up(): void {
    const last = this.#opened.pop();
    if (last === undefined) throw new LeadsOut();
    closeSync(last);
  }

  /** Enters a folder, or answers where the link of that name points. */
  enter(name: string): string | undefined {
    const path = this.at(name);
    try {
      this.#opened.push(openSync(path, WALK));
      return undefined;
    } catch (error) {
      const target = errno(error) === 'ENOTDIR' ? linkTarget(path) : undefined;
      if (target === undefined) throw error;
      return this.follow(target);
    }
  }

  /** Counts a link against the budget; absolute targets lead out by definition. */
  follow(target: string): string {
    this.#links += 1;
    if (this.#links > MAX_LINKS) throw fail('loop');
    if (target.startsWith('/')) throw new LeadsOut();
    return target;
  }

  at(name: string): string {
    if (isProcess(this.#current, name)) throw new LeadsOut();
    return inFolder(this.#current, name);
  }

  close(): void {
    for (const descriptor of this.#opened) closeSync(descriptor);
  }
}

function checkPath(path: string): void {
  if (path === '') throw fail('no-entry');
  if (path.length > MAX_PATH_CHARACTERS) throw fail('name-too-long');
  if (path.includes('\0')) throw fail('invalid');
  if (path.startsWith('/')) throw new LeadsOut();
}

/**
 * Resolves `path` beneath the folder `root` and calls `use` with its last step, while the descriptors on
 * the way are held open. `followLast` says whether a link in the last place is followed.
 * Throws `LeadsOut` for paths that lead out, other WIT errors, and system errors.
 */
export function beneath<T>(root: number, path: string, followLast: boolean, use: (place: Place) => T): T {
  checkPath(path);
  const walker = new Walker(root);
  const pending = components(path);
  let isFolder = path.endsWith('/');
  try {
    for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
      if (name === '..') {
        walker.up();
        continue;
      }
      const isLast = pending.length === 0;
      const found = isLast ? linkTarget(walker.at(name)) : walker.enter(name);
      const follows = found !== undefined && (!isLast || followLast || isFolder);
      if (follows) {
        const target = isLast ? walker.follow(found) : found;
        pending.unshift(...components(target));
        isFolder ||= isLast && target.endsWith('/');
      } else if (isLast) {
        return use({ path: walker.at(name), isFolder, depth: walker.depth });
      }
    }
    return use({ path: walker.at('.'), isFolder: true, depth: walker.depth });
  } finally {
    walker.close();
  }
}

/** Whether a link with this target, made at this depth, points beneath the root. */
export function staysBeneath(target: string, depth: number): boolean {
  if (target.startsWith('/')) return false;
  let level = depth;
  for (const part of components(target)) {
    level += part === '..' ? -1 : 1;
    if (level < 0) return false;
  }
  return true;
}
