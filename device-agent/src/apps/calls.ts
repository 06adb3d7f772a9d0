/**
 * Calls that wait for their guest. Asked-for order is kept; control calls (start, check, save …) go
 * before work (messages and ticks) and are not held back by the rate limit.
 */
import { FaultError } from '@wafer/protocol';
import type { GuestCall } from './port.ts';

/** Work that may wait for one guest; more is turned away. */
const MAX_WAITING = 1024;

/** How long a burst may draw on the rate limit in advance, ms. */
const BURST_MS = 50;

/** What came of a call. `isAnswered` is false where no instance had to do with it. */
export type Answer =
  | { readonly status: 'returned'; readonly value: Uint8Array | undefined }
  | { readonly status: 'fault'; readonly fault: FaultError; readonly isAnswered: boolean };

export interface Call {
  readonly call: GuestCall;
  readonly isControl: boolean;
  readonly done: (answer: Answer) => void;
}

/** A token bucket: `take` answers 0 when a call may go now, else how long it has to wait, ms. */
export class Rate {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #at = -Infinity;

  constructor(callsPerSecond: number) {
    this.#perMs = callsPerSecond / 1000;
    this.#burst = Math.max(1, this.#perMs * BURST_MS);
    this.#tokens = this.#burst;
  }

  take(now: number): number {
    const elapsed = this.#at === -Infinity ? 0 : now - this.#at;
    this.#at = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + elapsed * this.#perMs);
    // A token that is short by a rounding error would cost a timer of nothing.
    if (this.#tokens < 1 - 1e-9) return (1 - this.#tokens) / this.#perMs;
    this.#tokens -= 1;
    return 0;
  }
}

export class Calls {
  #control: Call[] = [];
  #work: Call[] = [];
  readonly #rate: Rate;
  /** Work waits while it is set; control calls do not. */
  isHeld = false;

  constructor(callsPerSecond: number) {
    this.#rate = new Rate(callsPerSecond);
  }

  add(call: Call): void {
    if (call.isControl) {
      this.#control.push(call);
    } else if (this.#work.length < MAX_WAITING) {
      this.#work.push(call);
    } else {
      const message = `${MAX_WAITING} calls wait for the guest already; it answers too slowly.`;
      call.done({
        status: 'fault',
        fault: new FaultError('deadline', message, 'queue'),
        isAnswered: false,
      });
    }
  }

  /** The next call; how long to wait for it, ms; or undefined when there is none. */
  next(now: number): Call | number | undefined {
    const control = this.#control.shift();
    if (control !== undefined) return control;
    if (this.isHeld || this.#work.length === 0) return undefined;
    const wait = this.#rate.take(now);
    return wait > 0 ? wait : this.#work.shift();
  }

  /** Gives up all work that has not begun, for another instance to do. */
  takeWork(): Call[] {
    const work = this.#work;
    this.#work = [];
    return work;
  }

  /** Work that came before what is here. */
  putFirst(work: readonly Call[]): void {
    this.#work.unshift(...work);
  }

  /** Turns everything away. */
  refuse(fault: FaultError): void {
    const all = [...this.#control, ...this.#work];
    this.#control = [];
    this.#work = [];
    for (const { done } of all) done({ status: 'fault', fault, isAnswered: false });
  }
}
