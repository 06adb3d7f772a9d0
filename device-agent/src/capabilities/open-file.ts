/**
 * What a guest holds open: files, folders and folders being listed. A descriptor and the streams made
 * from it share one open file; the last to go closes it. The number is bounded, because descriptors are
 * the whole process's.
 */
import { closeSync } from 'node:fs';
import { fail } from './errno.ts';

/** What one guest may hold open at a time. */
const MAX_HELD = 64;

export class Held<T> {
  readonly value: T;
  readonly #close: (held: Held<T>) => void;
  #holders = 1;

  constructor(value: T, close: (held: Held<T>) => void) {
    this.value = value;
    this.#close = close;
  }

  hold(): this {
    this.#holders += 1;
    return this;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0) this.#close(this);
  }
}

/** An open file or folder by its descriptor. */
export type OpenFile = Held<number>;

export class HeldFiles {
  readonly #held = new Map<unknown, () => void>();

  /** Takes over what `open` opens. Throws `quota` when the guest holds too many. */
  add<T>(open: () => T, close: (value: T) => void): Held<T> {
    if (this.#held.size >= MAX_HELD) throw fail('quota');
    const held = new Held(open(), (self) => {
      if (this.#held.delete(self)) close(self.value);
    });
    this.#held.set(held, () => close(held.value));
    return held;
  }

  addFile(open: () => number): OpenFile {
    return this.add(open, closeSync);
  }

  closeAll(): void {
    const closers = [...this.#held.values()];
    this.#held.clear();
    for (const close of closers) close();
  }
}
