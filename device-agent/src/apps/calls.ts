/**
 * Calls that wait for their guest. Asked-for order is kept; control calls (start, check, save …) go
 * before work (messages and ticks) and are not held back by the rate limit.
 *
 * Work over the rate waits. What may wait is bounded by number, and by the bytes that it holds of the
 * host's memory; beyond that it is turned away. Both are told as they happen.
 */
import { FaultError, type Limits } from '@wafer/protocol';
import type { GuestCall } from './port.ts';

/** Payloads that may wait for one guest, bytes, however many messages that is. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

const SECOND_MS = 1000;

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

const sizeOf = ({ call }: Call): number => (call.name === 'handle' ? call.payload.length : 0);

export interface CallsOptions {
  readonly limits: Pick<Limits, 'callsPerSecond' | 'queueLength'>;
  readonly now: () => number;
  /** A limit holds work back: the rate (once for each second), or the queue (for each call turned away). */
  readonly onOver: (fault: FaultError) => void;
}

export class Calls {
  #control: Call[] = [];
  #work: Call[] = [];
  readonly #options: CallsOptions;
  readonly #rate: Rate;
  /** Work waits while it is set; control calls do not. */
  isHeld = false;
  #waitingBytes = 0;
  #mostWaiting = 0;
  /** Work that came since `#second` began, ms. */
  #came = 0;
  #second = -Infinity;

  constructor(options: CallsOptions) {
    this.#options = options;
    this.#rate = new Rate(options.limits.callsPerSecond);
  }

  add(call: Call): void {
    if (call.isControl) return void this.#control.push(call);
    this.#count();
    const { queueLength } = this.#options.limits;
    const bytes = this.#waitingBytes + sizeOf(call);
    if (this.#work.length >= queueLength) {
      this.#turnAway(call, `${queueLength} calls wait for the guest already; it was called too often.`);
    } else if (bytes > MAX_WAITING_BYTES) {
      this.#turnAway(call, `Messages of ${MAX_WAITING_BYTES} bytes wait for the guest already.`);
    } else {
      this.#work.push(call);
      this.#waitingBytes = bytes;
      this.#mostWaiting = Math.max(this.#mostWaiting, this.#work.length);
    }
  }

  /** The most work that waited at a time since this was last asked. */
  takeMostWaiting(): number {
    const most = this.#mostWaiting;
    this.#mostWaiting = this.#work.length;
    return most;
  }

  /** The next call; how long to wait for it, ms; or undefined when there is none. */
  next(now: number): Call | number | undefined {
    const control = this.#control.shift();
    if (control !== undefined) return control;
    if (this.isHeld || this.#work.length === 0) return undefined;
    const wait = this.#rate.take(now);
    if (wait > 0) return wait;
    const work = this.#work.shift()!;
    this.#waitingBytes -= sizeOf(work);
    return work;
  }

  /** Gives up all work that has not begun, for another instance to do. */
  takeWork(): Call[] {
    const work = this.#work;
    this.#work = [];
    this.#waitingBytes = 0;
    return work;
  }

  /** Work that came before what is here. */
  putFirst(work: readonly Call[]): void {
    this.#work = [...work, ...this.#work];
    this.#waitingBytes += work.reduce((sum, call) => sum + sizeOf(call), 0);
    this.#mostWaiting = Math.max(this.#mostWaiting, this.#work.length);
  }

  /** Turns everything away. */
  refuse(fault: FaultError): void {
    const all = [...this.#control, ...this.#work];
    this.#control = [];
    this.#work = [];
    this.#waitingBytes = 0;
    for (const { done } of all) done({ status: 'fault', fault, isAnswered: false });
  }

  #turnAway({ done }: Call, message: string): void {
    const fault = new FaultError('queue-limit', message, 'queueLength');
    this.#options.onOver(fault);
    done({ status: 'fault', fault, isAnswered: false });
  }

  #count(): void {
    const { limits, now, onOver } = this.#options;
    const at = now();
    if (at - this.#second >= SECOND_MS) {
      this.#second = at;
      this.#came = 0;
    }
    this.#came += 1;
    if (this.#came !== limits.callsPerSecond + 1) return;
    const message = `The guest was called more than ${limits.callsPerSecond} times in a second; calls wait.`;
    onOver(new FaultError('calls-limit', message, 'callsPerSecond'));
  }
}
