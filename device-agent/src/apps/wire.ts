/**
 * One end of the wire between the main thread and an isolate: a message port with adaptive spinning.
 *
 * Waking a thread takes longer than most calls do, so in a brisk exchange (one guest that is called again
 * and again) both ends spin for about that long before they sleep. A thread that is called now and then sleeps at once:
 * what spins in vain takes time from the thread that it waits for.
 */
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { receiveMessageOnPort, type MessagePort, type Transferable } from 'node:worker_threads';

/** An exchange is brisk while waits and turns of work take less than this on average, ms. */
const BRISK_MS = 0.1;
/** Passes that the average is over, and the longest that counts: a single one, however long, decides nothing. */
const PASSES = 32;
const LONGEST_MS = 2;
/** Rounds before the thread sleeps: some 0.1 ms. */
const SPINS = 3000;

/** A single processor has nothing else to run on meanwhile. */
const isUseful = availableParallelism() > 1;

/** Messages posted by each end so far, in memory that both share. */
export type Posted = Int32Array;
const CELLS = { main: 0, isolate: 1 } as const;

export const newPosted = (): Posted =>
  new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));

export class Wire<In, Out> {
  readonly #port: MessagePort;
  readonly #posted: Posted;
  readonly #receive: (message: In) => void;
  readonly #own: number;
  readonly #others: number;
  #received = 0;
  #since = -Infinity;
  /** Average length of the latest waits and turns of work, ms. */
  #average = LONGEST_MS;
  #isWaiting = false;
  #isSpinning = false;

  constructor(port: MessagePort, posted: Posted, end: keyof typeof CELLS, receive: (message: In) => void) {
    this.#port = port;
    this.#posted = posted;
    this.#own = CELLS[end];
    this.#others = 1 - this.#own;
    this.#receive = (message) => {
      this.#received = (this.#received + 1) | 0;
      receive(message);
    };
    port.on('message', this.#receive);
  }

  post(message: Out, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
    // The other end spins on this only, as looking at the port would take the lock that posting needs.
    Atomics.add(this.#posted, this.#own, 1);
  }

  close(): void {
    this.#port.close();
  }

  /** The thread has nothing to do until the other end says that it may go on. */
  waits(): void {
    this.#passes();
    this.#isWaiting = true;
    if (isUseful && this.#average < BRISK_MS) this.#spin();
  }

  goesOn(): void {
    this.#passes();
    this.#isWaiting = false;
  }

  /** What comes next is of another exchange: it has to be found brisk first. */
  beginAnew(): void {
    this.#average = LONGEST_MS;
  }

  /** Receives what has come already. */
  drain(): void {
    while (this.#takeNext()) continue;
  }

  #takeNext(): boolean {
    const next = receiveMessageOnPort(this.#port);
    if (next !== undefined) this.#receive(next.message as In);
    return next !== undefined;
  }

  #passes(): void {
    const now = performance.now();
    this.#average += (Math.min(now - this.#since, LONGEST_MS) - this.#average) / PASSES;
    this.#since = now;
  }

  /** In a turn of its own for each message: what follows from it is done before the next one is looked for. */
  #spin(): void {
    if (this.#isSpinning) return;
    this.#isSpinning = true;
    setImmediate(() => {
      this.#isSpinning = false;
      if (!this.#isWaiting || !this.#hasCome()) return;
      // Posted and not counted yet, or counted and not to be had: either way the count is right again.
      if (!this.#takeNext()) this.#received = Atomics.load(this.#posted, this.#others);
      if (this.#isWaiting) this.#spin();
    });
  }

  /** Reads no clock, which would allocate each time: V8 gives memory back while a thread allocates little. */
  #hasCome(): boolean {
    for (let round = 0; round < SPINS; round += 1) {
      if (Atomics.load(this.#posted, this.#others) !== this.#received) return true;
      Atomics.pause();
    }
    return false;
  }
}
