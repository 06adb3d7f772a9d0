/**
 * Verified metadata on disk, in generations. tuf-js writes its files plainly: cut off in the middle,
 * it cannot even start again. So every refresh works on a copy; only when all of it verified is the
 * copy fsynced, named, and pointed to, in that order. A generation that rotted is passed over for
 * the one before it, and at last for the factory root: trust starts over from there, but a board
 * is never bricked. Rollbacks stay impossible meanwhile through floors.ts and the last desired
 * version.
 *
 *     trust/factory-root.json        from enrolment, never changed
 *     trust/generations/<n>/*.json   root, timestamp, snapshot, targets, one for each app
 *     trust/current.{a,b}            which generation holds, and when it verified
 */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Hours } from '@wafer/protocol';
import { z } from 'zod';
import { syncFolder, writeSynced } from '../state/durable.ts';
import { SlotFile } from '../state/slots.ts';
import { isWhole } from './root.ts';

export const factoryRootPath = (dataFolder: string): string => join(dataFolder, 'trust', 'factory-root.json');

const Generation = z.strictObject({ number: z.number().int().min(1), verifiedAt: z.number().min(0) });
const Pointer = z.strictObject({ current: Generation.nullable(), previous: Generation.nullable() });

/** A folder that a tuf-js Updater may be started on. */
export interface Base {
  readonly folder: string;
  /** When it verified, ms since 1970; undefined for the factory root alone. */
  readonly verifiedAt: number | undefined;
}

/** A later instant of the same metadata is worth a write to flash once an hour. */
const WORTH_WRITING_MS = Hours(1);

const TOP_LEVEL = ['root', 'timestamp', 'snapshot', 'targets'] as const;

export class Generations {
  readonly #dataFolder: string;
  readonly #root: string;
  readonly #pointer: SlotFile<z.infer<typeof Pointer>>;

  private constructor(dataFolder: string, root: string, pointer: SlotFile<z.infer<typeof Pointer>>) {
    this.#dataFolder = dataFolder;
    this.#root = root;
    this.#pointer = pointer;
  }

  static async open(dataFolder: string): Promise<Generations> {
    const root = join(dataFolder, 'trust', 'generations');
    await mkdir(root, { recursive: true, mode: 0o700 });
    const pointer = await SlotFile.open(join(dataFolder, 'trust', 'current'), Pointer, {
      current: null,
      previous: null,
    });
    return new Generations(dataFolder, root, pointer);
  }

  /** The newest generation that still verifies by itself; undefined when none does. */
  async newestWhole(): Promise<Base | undefined> {
    const { current, previous } = this.#pointer.value;
    for (const generation of [current, previous]) {
      if (generation === null) continue;
      const folder = join(this.#root, String(generation.number));
      const files = await readTopLevel(folder);
      if (files !== undefined && isWhole(files, generation.verifiedAt)) {
        return { folder, verifiedAt: generation.verifiedAt };
      }
    }
    return undefined;
  }

  /** A copy to work on: of the newest whole generation, else of the factory root. */
  async workingCopy(): Promise<string> {
    const base = await this.newestWhole();
    const folder = join(this.#root, `work-${randomUUID()}`);
    await mkdir(folder, { mode: 0o700 });
    if (base === undefined) {
      await copyFile(factoryRootPath(this.#dataFolder), join(folder, 'root.json'));
      return folder;
    }
    for (const name of await readdir(base.folder))
      await copyFile(join(base.folder, name), join(folder, name));
    return folder;
  }

  /** Makes a working copy the current generation; atomic. One that says nothing new is not kept. */
  async commit(work: string, verifiedAt: number): Promise<void> {
    const before = this.#pointer.value;
    if (before.current !== null && (await this.#isSame(work, before.current.number))) {
      // Verified again as it is: a later reboot without network may go by that.
      if (verifiedAt - before.current.verifiedAt < WORTH_WRITING_MS) return;
      return this.#pointer.write({ ...before, current: { ...before.current, verifiedAt } });
    }
    for (const name of await readdir(work)) {
      await writeSynced(join(work, name), await readFile(join(work, name)));
    }
    await syncFolder(work);
    const number = Math.max(before.current?.number ?? 0, await this.#highest()) + 1;
    await rename(work, join(this.#root, String(number)));
    await syncFolder(this.#root);
    await this.#pointer.write({ current: { number, verifiedAt }, previous: before.current });
    await this.#sweep();
  }

  async discard(work: string): Promise<void> {
    await rm(work, { recursive: true, force: true });
  }

  /** Removes what nothing points to: old generations, and copies that a power cut left. */
  async #sweep(): Promise<void> {
    const { current, previous } = this.#pointer.value;
    const kept = new Set([current, previous].map((generation) => String(generation?.number)));
    for (const name of await readdir(this.#root)) {
      if (!kept.has(name)) await rm(join(this.#root, name), { recursive: true, force: true });
    }
  }

  async #isSame(work: string, number: number): Promise<boolean> {
    const current = join(this.#root, String(number));
    const names = await readdir(work);
    const others = await readdir(current).catch(() => []);
    if (names.length !== others.length) return false;
    for (const name of names) {
      const bytes = await readFile(join(current, name)).catch(() => undefined);
      if (bytes === undefined || !bytes.equals(await readFile(join(work, name)))) return false;
    }
    return true;
  }

  async #highest(): Promise<number> {
    const numbers = (await readdir(this.#root)).map(Number).filter(Number.isSafeInteger);
    return Math.max(0, ...numbers);
  }
}

async function readTopLevel(folder: string): Promise<Record<(typeof TOP_LEVEL)[number], Buffer> | undefined> {
  try {
    const [root, timestamp, snapshot, targets] = await Promise.all(
      TOP_LEVEL.map((role) => readFile(join(folder, `${role}.json`))),
    );
    if (!root || !timestamp || !snapshot || !targets) return undefined;
    return { root, timestamp, snapshot, targets };
  } catch {
    return undefined;
  }
}
