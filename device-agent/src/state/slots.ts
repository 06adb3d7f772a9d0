/**
 * A value in two checksummed slots. A write goes to the slot that does not hold the newest value,
 * so a power cut during it, or a rotten block afterwards, costs at most that write: the other slot
 * still holds the value before.
 *
 * A slot is one line: `<SHA-256 of the rest> <sequence number> <JSON>`.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { syncFolder, writeSynced } from './durable.ts';

/** A value that is kept, in a file (here) or elsewhere. */
export interface Slots<T> {
  readonly value: T;
  /** The value counts at once; resolves when it is kept. */
  write(value: T): Promise<void>;
}

interface Slot<T> {
  readonly sequence: number;
  readonly value: T;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function encode(sequence: number, value: unknown): string {
  const rest = `${sequence} ${JSON.stringify(value)}`;
  return `${sha256(rest)} ${rest}`;
}

/** Undefined for whatever is not exactly a slot that was written whole and fits its schema. */
function decode<T>(text: string, schema: z.ZodType<T>): Slot<T> | undefined {
  const [sum, sequence] = text.split(' ', 2);
  if (sum === undefined || sequence === undefined || !/^\d{1,15}$/.test(sequence)) return undefined;
  const rest = text.slice(sum.length + 1);
  if (sha256(rest) !== sum) return undefined;
  const parsed = schema.safeParse(JSON.parse(rest.slice(sequence.length + 1)));
  return parsed.success ? { sequence: Number(sequence), value: parsed.data } : undefined;
}

async function readSlot<T>(path: string, schema: z.ZodType<T>): Promise<Slot<T> | undefined> {
  try {
    return decode(await readFile(path, 'utf8'), schema);
  } catch {
    return undefined;
  }
}

export class SlotFile<T> implements Slots<T> {
  readonly #paths: readonly [string, string];
  #sequence: number;
  #writing: Promise<void> = Promise.resolve();
  #value: T;

  private constructor(path: string, sequence: number, value: T) {
    this.#paths = slotPaths(path);
    this.#sequence = sequence;
    this.#value = value;
  }

  /** Reads the newest whole slot of `<path>.a` and `<path>.b`; `initial` when there is none. */
  static async open<T>(path: string, schema: z.ZodType<T>, initial: T): Promise<SlotFile<T>> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const newest = await newestSlot(path, schema);
    return new SlotFile(path, newest?.sequence ?? 0, newest?.value ?? initial);
  }

  get value(): T {
    return this.#value;
  }

  /**
   * The value counts at once for this process; the promise settles when it is on disk, in the order
   * of the calls. Rejects with the file system's error; the value on disk is then the one before.
   */
  write(value: T): Promise<void> {
    this.#value = value;
    const writing = this.#writing.then(() => this.#put(value));
    this.#writing = writing.catch(() => {});
    return writing;
  }

  async #put(value: T): Promise<void> {
    const sequence = this.#sequence + 1;
    const path = this.#paths[sequence % 2 === 0 ? 0 : 1];
    await writeSynced(path, encode(sequence, value));
    if (sequence <= 2) await syncFolder(dirname(path));
    this.#sequence = sequence;
  }
}

async function newestSlot<T>(path: string, schema: z.ZodType<T>): Promise<Slot<T> | undefined> {
  const slots = await Promise.all(slotPaths(path).map((name) => readSlot(name, schema)));
  return slots.reduce((a, b) => ((b?.sequence ?? 0) > (a?.sequence ?? 0) ? b : a), undefined);
}

/** The newest whole value, without any intent to write; undefined when there is none. */
export const readSlots = async <T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> =>
  (await newestSlot(path, schema))?.value;

const slotPaths = (path: string): readonly [string, string] => [`${path}.a`, `${path}.b`];
