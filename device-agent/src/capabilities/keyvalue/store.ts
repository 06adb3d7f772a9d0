/**
 * One key-value store: what lives in memory, and the log on disk that it is made of. A change is in
 * memory only once it is on disk. There is one `Store` for a file in the whole agent, whoever asks.
 *
 * The quota is the asker's: two releases of an app may have been granted different ones. A change that
 * makes the store smaller passes even while it is over, or a guest could never get below again.
 */
import type { Disk } from './disk.ts';
import { Log } from './log.ts';
import { RECORD_HEAD_BYTES, type Change } from './records.ts';

/** Keys in a store. */
export const MAX_KEYS = 10_000;

/** Keys of one page, and their characters; the draft asks for "a few KB" on small devices. */
const PAGE_KEYS = 256;
const PAGE_CHARACTERS = 8192;

export interface Page {
  readonly keys: readonly string[];
  readonly cursor: string | undefined;
}

/** What a change would need, and may not have. */
export class OverQuota extends Error {
  override readonly name = 'OverQuota';
}

const sizeOf = (key: string, value: Uint8Array): number => Buffer.byteLength(key) + value.length;

export class Store {
  readonly #log: Log;
  readonly #values = new Map<string, Uint8Array>();
  /** Keys in order; undefined when a key came or went since. */
  #sorted: string[] | undefined;
  #usedBytes = 0;

  /** Throws `DamagedStore` and what the file system throws. */
  constructor(path: string, disk: Disk) {
    const { log, changes } = Log.open(path, disk);
    this.#log = log;
    for (const change of changes) this.#apply(change);
  }

  /** Keys and values, bytes. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  exists(key: string): boolean {
    return this.#values.has(key);
  }

  /** Durable when it returns. Throws `OverQuota` and what the file system throws. */
  set(key: string, value: Uint8Array, maxBytes: number): void {
    const old = this.#values.get(key);
    const used = this.#usedBytes + sizeOf(key, value) - (old === undefined ? 0 : sizeOf(key, old));
    if (used > maxBytes && used > this.#usedBytes) {
      throw new OverQuota(`it would hold ${used} bytes of the ${maxBytes} that it may`);
    }
    if (old === undefined && this.#values.size >= MAX_KEYS) {
      throw new OverQuota(`it holds ${MAX_KEYS} keys, and no more than that`);
    }
    this.#change({ key, value });
  }

  /** Durable when it returns. Throws what the file system throws. */
  delete(key: string): void {
    if (this.#values.has(key)) this.#change({ key, value: undefined });
  }

  /** Keys after `cursor` in a fixed order, so that what is written meanwhile moves none. */
  list(cursor: string | undefined): Page {
    this.#sorted ??= [...this.#values.keys()].toSorted();
    const sorted = this.#sorted;
    const start = cursor === undefined ? 0 : firstAfter(sorted, cursor);
    let end = start;
    for (let characters = 0; end < sorted.length && end < start + PAGE_KEYS; end += 1) {
      characters += sorted[end]!.length;
      if (characters > PAGE_CHARACTERS) break;
    }
    return { keys: sorted.slice(start, end), cursor: end < sorted.length ? sorted[end - 1] : undefined };
  }

  close(): void {
    this.#log.close();
  }

  #change(change: Change): void {
    this.#log.append(change, this.#living());
    this.#apply(change);
    const heads = this.#values.size * RECORD_HEAD_BYTES;
    if (!this.#log.isWasteful(this.#usedBytes + heads)) return;
    try {
      this.#log.rewrite(this.#living());
    } catch {
      // The change itself is on disk. What could not be made smaller now is written anew at the next one.
    }
  }

  #apply({ key, value }: Change): void {
    const old = this.#values.get(key);
    if (old !== undefined) this.#usedBytes -= sizeOf(key, old);
    if ((old === undefined) !== (value === undefined)) this.#sorted = undefined;
    if (value === undefined) {
      this.#values.delete(key);
      return;
    }
    this.#values.set(key, value);
    this.#usedBytes += sizeOf(key, value);
  }

  *#living(): Generator<Change> {
    for (const [key, value] of this.#values) yield { key, value };
  }
}

/** Index of the first key behind `cursor`. */
function firstAfter(sorted: readonly string[], cursor: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= cursor) low = middle + 1;
    else high = middle;
  }
  return low;
}
