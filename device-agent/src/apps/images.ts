/**
 * Compiled code, made once for all isolates and kept while an instance uses it; the last few that
 * nobody uses are kept as well, so that an app that is restarted is not compiled again. Modules are
 * compiled with their memory limit written in, so an image belongs to a component and a limit.
 */
import { FaultError, type Limits } from '@wafer/protocol';
import { MalformedModule } from '@wafer/protocol/wasm/binary';
import { boundModules } from './limits.ts';
import { DamagedFolder, readContents } from './manifest.ts';
import type { Image, ImageKey } from './port.ts';
import type { Prepared } from './runtime.ts';

/** Images that are kept although nobody uses them. */
const MAX_UNUSED = 2;

interface Entry {
  readonly image: Promise<Image>;
  users: number;
}

async function compile(prepared: Prepared, limits: Limits, key: ImageKey): Promise<Image> {
  try {
    const { script, modules } = readContents(prepared.folder, prepared.digest);
    const compiled = boundModules(modules, limits.memoryMiB).map(
      async ({ name, bytes, memoryBytes, instances }) => ({
        name,
        memoryBytes,
        instances,
        module: await WebAssembly.compile(bytes),
      }),
    );
    return { key, script, modules: await Promise.all(compiled) };
  } catch (error) {
    if (error instanceof FaultError) throw error;
    const isExpected =
      error instanceof DamagedFolder ||
      error instanceof MalformedModule ||
      error instanceof WebAssembly.CompileError;
    if (!isExpected) throw error;
    const advice = error instanceof DamagedFolder ? ' It has to be prepared again.' : '';
    const message = `The prepared component can not be used: ${error.message}.${advice}`;
    throw new FaultError('prepare', message, prepared.digest, { cause: error });
  }
}

export class Images {
  readonly #entries = new Map<ImageKey, Entry>();
  readonly #onDropped: (key: ImageKey) => void;

  constructor(onDropped: (key: ImageKey) => void) {
    this.#onDropped = onDropped;
  }

  /** Pair with `release`. Rejects with a `prepare` or `memory-limit` fault. */
  async acquire(prepared: Prepared, limits: Limits): Promise<Image> {
    const key = `${prepared.digest}/${limits.memoryMiB}` as ImageKey;
    const known = this.#entries.get(key);
    const entry = known ?? { image: compile(prepared, limits, key), users: 0 };
    if (known === undefined) this.#entries.set(key, entry);
    entry.users += 1;
    try {
      return await entry.image;
    } catch (error) {
      entry.users -= 1;
      this.#entries.delete(key);
      throw error;
    }
  }

  release(key: ImageKey): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.users -= 1;
    // Those released last stand last.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const unused = [...this.#entries].filter(([, { users }]) => users === 0);
    for (const [old] of unused.slice(0, -MAX_UNUSED)) {
      this.#entries.delete(old);
      this.#onDropped(old);
    }
  }
}
