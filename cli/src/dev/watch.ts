/**
 * Watches files by asking for their state again and again: that sees files which are replaced, which are
 * not there yet, and which lie on file systems that tell nobody of changes.
 */
import { type StatsListener, unwatchFile, watchFile } from 'node:fs';
import { stat } from 'node:fs/promises';

const INTERVAL_MS = 100;

export class Watch {
  readonly #files = new Set<string>();
  #changedAt: number | undefined;
  #onChange: (() => void) | undefined;

  /** Adds files, absolute paths; none is ever forgotten, for an import that went may come back. */
  add(file: string): void {
    if (this.#files.has(file)) return;
    this.#files.add(file);
    watchFile(file, { interval: INTERVAL_MS }, this.#seen);
  }

  /** Resolves with the time (of `performance.now()`) of the first change since the last answer. */
  async next(): Promise<number> {
    if (this.#changedAt === undefined) await new Promise<void>((resolve) => (this.#onChange = resolve));
    const at = this.#changedAt!;
    this.#changedAt = undefined;
    return at;
  }

  /** What the files are now, as far as a change would show in it. */
  async fingerprint(): Promise<string> {
    const states = [...this.#files].map(async (file) => {
      const state = await stat(file, { bigint: true }).catch(() => undefined);
      return [file, state?.mtimeNs, state?.size].join();
    });
    return (await Promise.all(states)).join('\n');
  }

  close(): void {
    for (const file of this.#files) unwatchFile(file, this.#seen);
  }

  readonly #seen: StatsListener = (now, before) => {
    if (now.mtimeMs === before.mtimeMs && now.size === before.size) return;
    this.#changedAt ??= performance.now();
    this.#onChange?.();
  };
}
