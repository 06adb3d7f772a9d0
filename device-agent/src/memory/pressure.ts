/**
 * Memory that runs out, on a board without swap. The kernel would end the process that has the most, which
 * is the agent with all its guests; so before that the agent ends the largest guest by itself.
 *
 * Parties: the sensor, which says what is left; the guests, of which the largest goes, with a `memory-limit`
 * fault that has the figures; the transpiling child, which goes before any guest, by the agent's hand or by the
 * kernel's (expendable.ts); the plan, which starts nothing while memory is short and brings the guest back later
 * and later.
 *
 * Invariants: one guest at a time, and time enough for its memory to come back before the next; memory counts
 * as free again only when there is twice the reserve, so that a guest that comes back is not ended at once.
 */
import type { AppHealth, AppName, Fault } from '@wafer/protocol';
import type { MemoryReading, MemorySensor } from './sensor.ts';

/** When everything waited for memory for so much of the time, it is short, whatever is said to be left. */
const STALLED = 0.2;

/** Times the reserve that must be available before anything is started again. */
const FREE_AGAIN = 2;

/** What is not near is looked at seldom. */
const NEAR = 4;
const SELDOM_MS = 1000;

/** For the memory of a guest that was ended to come back. */
const NEXT_AFTER_MS = 2000;

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const isStalled = ({ availableBytes, stalled }: MemoryReading, reserveBytes: number): boolean =>
  stalled >= STALLED && availableBytes < NEAR * reserveBytes;

/** Whether memory is short now, when it was before or was not. */
function isShort(reading: MemoryReading, reserveBytes: number, wasShort: boolean): boolean {
  const least = wasShort ? FREE_AGAIN * reserveBytes : reserveBytes;
  return reading.availableBytes < least || isStalled(reading, reserveBytes);
}

type Guest = Pick<AppHealth, 'app' | 'memoryBytes'>;

/** Undefined when no guest holds anything that could be given back. */
function largest(guests: readonly Guest[]): Guest | undefined {
  const [most] = guests
    .filter(({ memoryBytes }) => memoryBytes > 0)
    .toSorted((a, b) => b.memoryBytes - a.memoryBytes);
  return most;
}

function shortage({ app, memoryBytes }: Guest, reading: MemoryReading, reserveBytes: number): Fault {
  const left = `${mib(reading.availableBytes)} of ${mib(reading.totalBytes)} were left, ${mib(reserveBytes)} are kept free`;
  return {
    kind: 'memory-limit',
    message: `The board ran short of memory (${left}), so ${app}, the largest guest with ${mib(memoryBytes)}, was ended. It is started again when memory is free.`,
    subject: 'board memory',
  };
}

export interface PressureOptions {
  readonly sensor: MemorySensor;
  readonly reserveBytes: number;
  /** Those that run. */
  readonly guests: () => readonly Guest[];
  /** Ends the transpiler if it runs: what it makes can be made again. Answers whether it did. */
  readonly endTranspiler: () => boolean;
  /** Ends a guest. */
  readonly relieve: (app: AppName, fault: Fault) => void;
  /** Memory is free again. */
  readonly freed: () => void;
  /** A steady clock, ms. */
  readonly now: () => number;
}

export class Pressure {
  readonly #options: PressureOptions;
  #isShort = false;
  #lookAt = 0;
  #nextAt = 0;

  constructor(options: PressureOptions) {
    this.#options = options;
  }

  /** Nothing is to be started now. */
  get isShort(): boolean {
    return this.#isShort;
  }

  /** Call it often. */
  tick(): void {
    const { sensor, reserveBytes, freed, now } = this.#options;
    const at = now();
    if (at < this.#lookAt) return;
    const reading = sensor();
    if (reading === undefined) return;
    const wasShort = this.#isShort;
    this.#isShort = isShort(reading, reserveBytes, wasShort);
    const isNear = this.#isShort || reading.availableBytes < NEAR * reserveBytes;
    this.#lookAt = isNear ? at : at + SELDOM_MS;
    if (this.#isShort) this.#relieve(reading, at);
    else if (wasShort) freed();
  }

  /** Between short and free again nobody has to go. */
  #relieve(reading: MemoryReading, at: number): void {
    const { reserveBytes, endTranspiler, guests, relieve } = this.#options;
    if (at < this.#nextAt || !isShort(reading, reserveBytes, false)) return;
    const hasEnded = endTranspiler();
    const guest = hasEnded ? undefined : largest(guests());
    if (hasEnded || guest !== undefined) this.#nextAt = at + NEXT_AFTER_MS;
    if (guest !== undefined) relieve(guest.app, shortage(guest, reading, reserveBytes));
  }
}
