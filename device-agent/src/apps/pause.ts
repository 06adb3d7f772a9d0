/**
 * A guest that fails again and again: how long it has to wait before it is made again, and how much is
 * told of it. The first failures cost no pause and are told as they are; the one that begins the pauses
 * is told as the crash loop that it is; those that follow in the same row are only counted. Whether it
 * is to run at all is decided by whoever counts its faults.
 */
import { FaultError } from '@wafer/protocol';
import type { CrashLoop, ResidentEvents } from './resident.ts';

/** Failures in a row that are followed by a new instance at once. */
const FORGIVEN = 2;
const FIRST_MS = 1000;
const LONGEST_MS = 60_000;

export const pauseAfter = (failuresInARow: number): number =>
  failuresInARow <= FORGIVEN
    ? 0
    : Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(30, failuresInARow - FORGIVEN - 1));

/** The failures in a row of one guest. Times are ms of any steady clock. */
export class Falls {
  #inARow = 0;
  #restUntil = -Infinity;

  get inARow(): number {
    return this.#inARow;
  }

  get restUntil(): number {
    return this.#restUntil;
  }

  /** It failed once more: answers how long it has to rest, ms. */
  fell(now: number): number {
    this.#inARow += 1;
    const pauseMs = pauseAfter(this.#inARow);
    this.#restUntil = now + pauseMs;
    return pauseMs;
  }

  /** What it failed at succeeded: the row ends. */
  rose(): void {
    this.#inARow = 0;
  }

  /** Tells the failure that was just counted. */
  tell(fault: FaultError, events: ResidentEvents): void {
    if (this.#inARow <= FORGIVEN) return events.fault(fault);
    if (this.#inARow > FORGIVEN + 1) return events.repeated();
    const { message, subject } = fault.fault;
    const told = `The guest failed ${this.#inARow} times in a row; it is tried again ever more slowly, at last every ${LONGEST_MS / 1000} s, and told of again when it has recovered. The last time: ${message}`;
    events.fault(new FaultError('crash-loop', told, subject));
  }

  crashLoop(now: number): CrashLoop | undefined {
    if (this.#inARow <= FORGIVEN) return undefined;
    return { failures: this.#inARow, nextTryInMs: Math.max(0, this.#restUntil - now) };
  }
}
