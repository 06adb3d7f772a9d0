/**
 * The resources `descriptor` and `directory-entry-stream` of wasi:filesystem/types. Every method that
 * changes anything asks the grant first.
 */
import {
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  opendirSync,
  openSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  type BigIntStats,
  type Dir,
} from 'node:fs';
import { beneath, inFolder, LeadsOut, staysBeneath, type Place } from './beneath.ts';
import { fail, systemCalls } from './errno.ts';
import {
  identity,
  openMode,
  readAt,
  streaming,
  writeAt,
  type DescriptorFlags,
  type OpenFlags,
} from './file-calls.ts';
import { InputStream, OutputStream } from './io.ts';
import type { Held, HeldFiles, OpenFile } from './open-file.ts';
import { describe, typeOf, utime, type DescriptorType, type NewTimestamp, type Stat } from './stat.ts';

/** Of a path that is put on record. */
const MAX_TOLD_CHARACTERS = 300;

interface PathFlags {
  symlinkFollow?: boolean;
}

/** What a grant gives to every descriptor that comes from it. */
export interface Access {
  readonly files: HeldFiles;
  readonly canWrite: boolean;
  /** The grant was of use. */
  used(): void;
  /** Puts a use on record that no grant covers; `path` as the guest names it. */
  denied(use: 'reach' | 'change', path: string): void;
}

export class DirectoryEntryStream {
  readonly #dir: Held<Dir>;

  constructor(dir: Held<Dir>) {
    this.#dir = dir;
  }

  readDirectoryEntry(): { type: DescriptorType; name: string } | undefined {
    const entry = systemCalls(() => this.#dir.value.readSync());
    return entry === null ? undefined : { type: typeOf(entry), name: entry.name };
  }

  [Symbol.dispose](): void {
    this.#dir.release();
  }
}

export class Descriptor {
  readonly #file: OpenFile;
  readonly #access: Access;
  readonly #flags: DescriptorFlags;
  /** As the guest found it, for the record. */
  readonly #path: string;

  constructor(file: OpenFile, access: Access, flags: DescriptorFlags, path: string) {
    this.#file = file;
    this.#access = access;
    this.#flags = flags;
    this.#path = path;
  }

  [Symbol.dispose](): void {
    this.#file.release();
  }

  // The open file itself ------------------------------------------------------------------------

  get #fd(): number {
    return this.#file.value;
  }

  #stats(): BigIntStats {
    return fstatSync(this.#fd, { bigint: true });
  }

  #mustRead(): void {
    if (this.#flags.read !== true) throw fail('bad-descriptor');
    this.#access.used();
  }

  #mustWrite(): void {
    this.#mustBeWritable();
    if (this.#flags.write !== true) throw fail('bad-descriptor');
    this.#access.used();
  }

  /** Whether the grant allows changes at all; `path` is what is to be changed. */
  #mustBeWritable(path = '.'): void {
    if (this.#access.canWrite) return;
    this.#access.denied('change', this.#pathOf(path));
    throw fail('read-only');
  }

  #pathOf(path: string): string {
    if (path === '.') return this.#path;
    const full = path.startsWith('/') ? path : `${this.#path.replace(/\/$/, '')}/${path}`;
    return full.slice(0, MAX_TOLD_CHARACTERS);
  }

  read(length: bigint, offset: bigint): [Uint8Array, boolean] {
    this.#mustRead();
    const bytes = systemCalls(() => readAt(this.#fd, Number(length), offset));
    return [bytes, bytes.length === 0 && length > 0n];
  }

  write(bytes: Uint8Array, offset: bigint): bigint {
    this.#mustWrite();
    return BigInt(systemCalls(() => writeAt(this.#fd, bytes, offset)));
  }

  readViaStream(offset: bigint): InputStream {
    this.#mustRead();
    const file = this.#file.hold();
    let at = offset;
    const read = (length: number): Uint8Array => {
      const bytes = streaming(() => readAt(file.value, length, at));
      at += BigInt(bytes.length);
      return bytes;
    };
    return new InputStream(read, () => file.release());
  }

  writeViaStream(offset: bigint): OutputStream {
    let at = offset;
    return this.#writeStream((fd, bytes) => {
      const count = writeAt(fd, bytes, at);
      at += BigInt(count);
      return count;
    });
  }

  appendViaStream(): OutputStream {
    return this.#writeStream((fd, bytes) => writeAt(fd, bytes, fstatSync(fd, { bigint: true }).size));
  }

  /** `write` writes some of the bytes and answers how many. */
  #writeStream(write: (fd: number, bytes: Uint8Array) => number): OutputStream {
    this.#mustWrite();
    const file = this.#file.hold();
    const writeAll = (bytes: Uint8Array): void =>
      streaming(() => {
        for (let done = 0; done < bytes.length;) done += write(file.value, bytes.subarray(done));
      });
    return new OutputStream({ write: writeAll, flush: () => undefined }, () => file.release());
  }

  advise(): void {
    // Advice is for the system to take or leave.
  }

  sync(): void {
    systemCalls(() => fsyncSync(this.#fd));
  }

  syncData(): void {
    systemCalls(() => fdatasyncSync(this.#fd));
  }

  getFlags(): DescriptorFlags {
    return { ...this.#flags };
  }

  getType(): DescriptorType {
    return typeOf(systemCalls(() => this.#stats()));
  }

  stat(): Stat {
    return describe(systemCalls(() => this.#stats()));
  }

  setSize(size: bigint): void {
    this.#mustWrite();
    systemCalls(() => ftruncateSync(this.#fd, Number(size)));
  }

  setTimes(accessed: NewTimestamp, modified: NewTimestamp): void {
    this.#mustBeWritable();
    systemCalls(() => {
      const { atimeNs, mtimeNs } = this.#stats();
      futimesSync(this.#fd, utime(accessed, atimeNs), utime(modified, mtimeNs));
    });
  }

  isSameObject(other: Descriptor): boolean {
    const [mine, theirs] = systemCalls(() => [this.#stats(), other.#stats()]);
    return mine.dev === theirs.dev && mine.ino === theirs.ino;
  }

  metadataHash(): { lower: bigint; upper: bigint } {
    return identity(systemCalls(() => this.#stats()));
  }

  readDirectory(): DirectoryEntryStream {
    this.#mustRead();
    const open = (): Dir => opendirSync(inFolder(this.#fd, '.'));
    return new DirectoryEntryStream(
      systemCalls(() => this.#access.files.add(open, (dir) => dir.closeSync())),
    );
  }

  // What lies beneath it -------------------------------------------------------------------------

  #beneath<T>(path: string, { symlinkFollow }: PathFlags, use: (place: Place) => T): T {
    this.#access.used();
    try {
      return systemCalls(() => beneath(this.#fd, path, symlinkFollow === true, use));
    } catch (error) {
      if (!(error instanceof LeadsOut)) throw error;
      this.#access.denied('reach', this.#pathOf(path));
      throw fail('not-permitted');
    }
  }

  /** A file that is granted by itself is opened as `.` by C libraries, which take it for a folder. */
  #isFileItself(path: string): boolean {
    return path === '.' && this.getType() !== 'directory';
  }

  openAt(pathFlags: PathFlags, path: string, open: OpenFlags, flags: DescriptorFlags): Descriptor {
    const changes = [flags.write, flags.mutateDirectory, open.create, open.truncate].includes(true);
    if (changes) this.#mustBeWritable(path);
    if (open.truncate === true && flags.write !== true) throw fail('invalid');
    if (this.#isFileItself(path)) return new Descriptor(this.#file.hold(), this.#access, flags, this.#path);
    const file = this.#beneath(path, pathFlags, (place) =>
      this.#access.files.addFile(() => openSync(place.path, openMode(open, flags, place.isFolder))),
    );
    const given = flags.read === true || flags.write === true ? flags : { ...flags, read: true };
    return new Descriptor(file, this.#access, given, this.#pathOf(path));
  }

  statAt(pathFlags: PathFlags, path: string): Stat {
    if (this.#isFileItself(path)) return this.stat();
    return describe(this.#beneath(path, pathFlags, ({ path: at }) => lstatSync(at, { bigint: true })));
  }

  metadataHashAt(pathFlags: PathFlags, path: string): { lower: bigint; upper: bigint } {
    return identity(this.#beneath(path, pathFlags, ({ path: at }) => lstatSync(at, { bigint: true })));
  }

  readlinkAt(path: string): string {
    return this.#beneath(path, {}, ({ path: at }) => {
      const target = readlinkSync(at);
      // Where a link outside the grant leads is no business of the guest's.
      if (target.startsWith('/')) throw new LeadsOut();
      return target;
    });
  }

  setTimesAt(pathFlags: PathFlags, path: string, accessed: NewTimestamp, modified: NewTimestamp): void {
    this.#mustBeWritable(path);
    this.#beneath(path, pathFlags, ({ path: at }) => {
      const { atimeNs, mtimeNs } = lstatSync(at, { bigint: true });
      lutimesSync(at, utime(accessed, atimeNs), utime(modified, mtimeNs));
    });
  }

  createDirectoryAt(path: string): void {
    this.#mustBeWritable(path);
    this.#beneath(path, {}, ({ path: at }) => mkdirSync(at));
  }

  removeDirectoryAt(path: string): void {
    this.#mustBeWritable(path);
    this.#beneath(path, {}, ({ path: at }) => rmdirSync(at));
  }

  unlinkFileAt(path: string): void {
    this.#mustBeWritable(path);
    this.#beneath(path, {}, ({ path: at }) => unlinkSync(at));
  }

  symlinkAt(target: string, path: string): void {
    this.#mustBeWritable(path);
    this.#beneath(path, {}, ({ path: at, depth }) => {
      // Our own walk would not follow it out, but some other program of the board might.
      if (!staysBeneath(target, depth)) throw new LeadsOut();
      symlinkSync(target, at);
    });
  }

  linkAt(pathFlags: PathFlags, path: string, to: Descriptor, newPath: string): void {
    this.#bothWritable(path, to, newPath);
    this.#beneath(path, pathFlags, ({ path: from }) =>
      to.#beneath(newPath, {}, ({ path: at }) => linkSync(from, at)),
    );
  }

  renameAt(path: string, to: Descriptor, newPath: string): void {
    this.#bothWritable(path, to, newPath);
    this.#beneath(path, {}, ({ path: from }) =>
      to.#beneath(newPath, {}, ({ path: at }) => renameSync(from, at)),
    );
  }

  #bothWritable(path: string, other: Descriptor, otherPath: string): void {
    this.#mustBeWritable(path);
    other.#mustBeWritable(otherPath);
  }
}
