/** Where a simulated device keeps things: in memory, with the parts of it that all devices share held once. */
import type { Ledger, Outbox, Reports } from '../link/outbox.ts';
import type { Slots } from '../state/slots.ts';
import type { Files } from '../trust/chain.ts';
import type { Base, MetadataStore } from '../trust/generations.ts';

export class MemorySlots<T> implements Slots<T> {
  value: T;
  readonly #onWrite: (value: T) => void;

  constructor(value: T, onWrite: (value: T) => void = () => undefined) {
    this.value = value;
    this.#onWrite = onWrite;
  }

  write(value: T): Promise<void> {
    this.value = value;
    this.#onWrite(value);
    return Promise.resolve();
  }
}

/** The outbox holds what is pending itself; behind it nothing need be written. */
export const noLedger: Ledger = {
  append: () => Promise.resolve(),
  sync: () => Promise.resolve(),
  size: () => Promise.resolve(0),
  replace: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** Numbers and keeps reports as ever, and gives none of them out while `isSilent`. */
export const withheld = (outbox: Outbox, isSilent: () => boolean): Reports => ({
  get acked() {
    return outbox.acked;
  },
  get pending() {
    return isSilent() ? [] : outbox.pending;
  },
  append: (event) => outbox.append(event),
  ack: (number) => outbox.ack(number),
  close: () => outbox.close(),
});

/** What verified, and when; the same for devices that have verified the same. */
export interface Verified {
  readonly files: Files;
  /** ms since 1970; undefined for a part of it, such as the root of the enrolment. */
  readonly verifiedAt: number | undefined;
}

export class MemoryMetadata implements MetadataStore {
  #current: Files;
  #whole: { readonly files: Files; readonly verifiedAt: number } | undefined;
  #number = 0;

  constructor({ files, verifiedAt }: Verified) {
    this.#current = files;
    if (verifiedAt !== undefined) this.#whole = { files, verifiedAt };
  }

  /** What another run may begin with. */
  get verified(): Verified {
    return this.#whole ?? { files: this.#current, verifiedAt: undefined };
  }

  base(): Promise<Base> {
    return Promise.resolve({ files: this.#current, number: this.#number });
  }

  newestWhole() {
    return Promise.resolve(this.#whole);
  }

  save(files: Files, _base: Base, verifiedAt?: number): Promise<void> {
    this.#current = files;
    this.#number += 1;
    if (verifiedAt !== undefined) this.#whole = { files, verifiedAt };
    return Promise.resolve();
  }
}
