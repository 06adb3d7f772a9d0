/**
 * The file of one store, kept small. A change is appended and flushed; when more than half of the file
 * is of the past, what lives is written to a neighbour, flushed, renamed over it, and the folder
 * flushed, so at every instant the name leads to a whole file that has all that was acknowledged.
 *
 * After a write or flush that failed nothing is known about the file's end (Linux forgets pages that it
 * could not write), so the next change writes the file anew before anything is appended again.
 */
import { dirname, join } from 'node:path';
import type { Disk } from './disk.ts';
import { encodeHeader, encodeRecord, readRecords, type Change } from './records.ts';

/** Past that a file may hold, besides as much as lives, bytes. */
const SLACK_BYTES = 16 * 1024;

export class Log {
  readonly #path: string;
  readonly #disk: Disk;
  #file: number | undefined;
  #bytes = 0;
  #mark = 0;

  private constructor(path: string, disk: Disk) {
    this.#path = path;
    this.#disk = disk;
  }

  /** Throws `DamagedStore` and what the file system throws. */
  static open(path: string, disk: Disk): { log: Log; changes: readonly Change[] } {
    const log = new Log(path, disk);
    disk.makeFolder(dirname(path));
    disk.remove(log.#neighbour);
    const bytes = disk.read(path);
    if (bytes === undefined) {
      log.rewrite([]);
      // The folder may be new as well, and the one that it lies in.
      log.#syncFolder(join(dirname(path), '..'));
      log.#syncFolder(join(dirname(path), '../..'));
      return { log, changes: [] };
    }
    const { mark, changes, end } = readRecords(bytes);
    log.#mark = mark;
    log.#file = disk.open(path, 'a');
    log.#bytes = end;
    if (end < bytes.length) {
      disk.truncate(log.#file, end);
      disk.sync(log.#file);
    }
    return { log, changes };
  }

  get #neighbour(): string {
    return `${this.#path}.new`;
  }

  /** On disk when it returns. `living` is what the store holds without this change. */
  append(change: Change, living: Iterable<Change>): void {
    if (this.#file === undefined) this.rewrite(living);
    const record = encodeRecord(change, this.#mark);
    const file = this.#file!;
    try {
      this.#disk.write(file, record);
      this.#disk.sync(file);
      this.#bytes += record.length;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Whether so much is of the past that it should be written anew. */
  isWasteful(livingBytes: number): boolean {
    return this.#bytes > 2 * livingBytes + SLACK_BYTES;
  }

  rewrite(living: Iterable<Change>): void {
    const disk = this.#disk;
    this.close();
    const mark = disk.drawMark();
    const records = Array.from(living, (change) => encodeRecord(change, mark));
    const bytes = Buffer.concat([encodeHeader(mark), ...records]);
    const file = disk.open(this.#neighbour, 'w');
    try {
      disk.write(file, bytes);
      disk.sync(file);
    } finally {
      disk.close(file);
    }
    disk.rename(this.#neighbour, this.#path);
    this.#syncFolder(dirname(this.#path));
    this.#file = disk.open(this.#path, 'a');
    this.#bytes = bytes.length;
    this.#mark = mark;
  }

  close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) this.#disk.close(file);
  }

  #syncFolder(path: string): void {
    const folder = this.#disk.open(path, 'r');
    try {
      this.#disk.sync(folder);
    } finally {
      this.#disk.close(folder);
    }
  }
}
