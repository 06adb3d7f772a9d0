/**
 * Verified metadata on disk, in generations. A generation is written beside the others, fsynced,
 * named, and pointed to, in that order, and never changed afterwards. The pointer holds the hash of
 * all that is in it, so one that rotted is passed over for the one before it, and at last for the
 * factory root: trust starts over from there, but a board is never bricked. Rollbacks stay
 * impossible meanwhile through floors.ts and the last desired version.
 *
 *     trust/factory-root.json        from enrolment, never changed
 *     trust/generations/<n>/*.json   root, timestamp, snapshot, targets, one for each app
 *     trust/current.{a,b}            which generations hold, and when they verified
 *
 * A refresh that fails half-way still leaves a generation, `current`, of what verified until then: a
 * root that revokes stolen keys must not be forgotten because the thief withholds the rest, and a
 * timestamp that was seen must not be rolled back (TUF 1.0, 5.3.8, 5.4.5, 5.5.7). It is where the next
 * refresh starts. What apps are judged by without network is `whole`, the last one with all of it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Hours } from '@wafer/protocol';
import { z } from 'zod';
import { syncFolder, writeSynced } from '../state/durable.ts';
import { SlotFile } from '../state/slots.ts';
import type { Files } from './chain.ts';

export const factoryRootPath = (dataFolder: string): string => join(dataFolder, 'trust', 'factory-root.json');

const Generation = z.strictObject({ number: z.number().int().min(1), digest: z.string() });
const Whole = Generation.extend({ verifiedAt: z.number().min(0) });
const Pointer = z.strictObject({
  current: Generation.nullable(),
  whole: Whole.nullable(),
  previous: Whole.nullable(),
});
type Pointer = z.infer<typeof Pointer>;

/** What a refresh starts from. */
export interface Base {
  readonly files: Files;
  /** The generation that it is; undefined for the factory root alone. */
  readonly number: number | undefined;
}

/** A later instant of the same metadata is worth a write to flash once an hour. */
const WORTH_WRITING_MS = Hours(1);

/** Where verified metadata is kept. */
export interface MetadataStore {
  /** The newest that is as it was written. Rejects when even the factory root is missing. */
  base(): Promise<Base>;
  /** The newest with all of it, and when it verified, ms since 1970. */
  newestWhole(): Promise<{ readonly files: Files; readonly verifiedAt: number } | undefined>;
  /** Atomic. `verifiedAt` when it is all there; files that `base` holds already are not written anew. */
  save(files: Files, base: Base, verifiedAt?: number): Promise<void>;
}

export class Generations implements MetadataStore {
  readonly #dataFolder: string;
  readonly #root: string;
  readonly #pointer: SlotFile<Pointer>;

  private constructor(dataFolder: string, root: string, pointer: SlotFile<Pointer>) {
    this.#dataFolder = dataFolder;
    this.#root = root;
    this.#pointer = pointer;
  }

  static async open(dataFolder: string): Promise<Generations> {
    const root = join(dataFolder, 'trust', 'generations');
    await mkdir(root, { recursive: true, mode: 0o700 });
    const pointer = await SlotFile.open(join(dataFolder, 'trust', 'current'), Pointer, {
      current: null,
      whole: null,
      previous: null,
    });
    return new Generations(dataFolder, root, pointer);
  }

  async base(): Promise<Base> {
    const { current, whole, previous } = this.#pointer.value;
    for (const generation of [current, whole, previous]) {
      const files = await this.#read(generation);
      if (files !== undefined) return { files, number: generation?.number };
    }
    const root = await readFile(factoryRootPath(this.#dataFolder));
    return { files: new Map([['root', root]]), number: undefined };
  }

  async newestWhole(): Promise<{ readonly files: Files; readonly verifiedAt: number } | undefined> {
    const { whole, previous } = this.#pointer.value;
    for (const generation of [whole, previous]) {
      const files = await this.#read(generation);
      if (files !== undefined && generation !== null) return { files, verifiedAt: generation.verifiedAt };
    }
    return undefined;
  }

  async save(files: Files, base: Base, verifiedAt?: number): Promise<void> {
    const before = this.#pointer.value;
    const digest = digestOf(files);
    if (base.number !== undefined && base.number === before.current?.number) {
      if (digest === before.current.digest) return this.#verifiedAgain(before.current, verifiedAt);
    } else if (base.number === undefined && files.size === 1 && verifiedAt === undefined) {
      if (files.get('root')?.equals(base.files.get('root') ?? Buffer.alloc(0))) return;
    }
    const generation = { number: await this.#write(files), digest };
    if (verifiedAt === undefined) {
      await this.#pointer.write({ ...before, current: generation });
    } else {
      const whole = { ...generation, verifiedAt };
      await this.#pointer.write({ current: generation, whole, previous: before.whole });
    }
    await this.#sweep();
  }

  /** Nothing new, but a later reboot without network may go by the later instant. */
  async #verifiedAgain(generation: NonNullable<Pointer['current']>, verifiedAt?: number): Promise<void> {
    const before = this.#pointer.value;
    if (verifiedAt === undefined) return;
    const isSame = before.whole?.number === generation.number;
    if (isSame && verifiedAt - (before.whole?.verifiedAt ?? 0) < WORTH_WRITING_MS) return;
    await this.#pointer.write({
      current: generation,
      whole: { ...generation, verifiedAt },
      previous: isSame ? before.previous : before.whole,
    });
  }

  async #write(files: Files): Promise<number> {
    const work = join(this.#root, `work-${randomUUID()}`);
    await mkdir(work, { mode: 0o700 });
    try {
      for (const [role, bytes] of files) await writeSynced(join(work, fileName(role)), bytes);
      await syncFolder(work);
      const taken = (await readdir(this.#root)).map(Number).filter(Number.isSafeInteger);
      const { current, whole } = this.#pointer.value;
      const number = Math.max(0, ...taken, current?.number ?? 0, whole?.number ?? 0) + 1;
      await rename(work, join(this.#root, String(number)));
      await syncFolder(this.#root);
      return number;
    } catch (error) {
      await rm(work, { recursive: true, force: true });
      throw error;
    }
  }

  /** Removes what nothing points to: old generations, and such as a power cut left. */
  async #sweep(): Promise<void> {
    const kept = new Set(Object.values(this.#pointer.value).map((generation) => String(generation?.number)));
    for (const name of await readdir(this.#root)) {
      if (!kept.has(name)) await rm(join(this.#root, name), { recursive: true, force: true });
    }
  }

  /** Undefined unless it holds exactly what was written. */
  async #read(generation: z.infer<typeof Generation> | null): Promise<Files | undefined> {
    if (generation === null) return undefined;
    const folder = join(this.#root, String(generation.number));
    const files = new Map<string, Buffer>();
    try {
      for (const name of await readdir(folder)) files.set(roleOf(name), await readFile(join(folder, name)));
    } catch {
      return undefined;
    }
    return digestOf(files) === generation.digest ? files : undefined;
  }
}

/** Role names are data from elsewhere: none may name a path. */
export const fileName = (role: string): string => `${encodeURIComponent(role)}.json`;
const roleOf = (name: string): string => decodeURIComponent(name.replace(/\.json$/, ''));

export function digestOf(files: Files): string {
  const hash = createHash('sha256');
  for (const [role, bytes] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${fileName(role)} ${createHash('sha256').update(bytes).digest('hex')}\n`);
  }
  return hash.digest('hex');
}
