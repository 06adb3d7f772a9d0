/**
 * Waits for many file descriptors with one `poll` beside the thread, which a byte in a pipe of our own wakes
 * when there are others to wait for. Nothing waits while there is nothing to wait for.
 */
import { fixed, POLLIN, type Kernel } from './kernel.ts';

/** An end of the thread waits no longer than this for a call that is under way, ms. */
const LONGEST_MS = 1000;

export class Poller {
  readonly #kernel: Kernel;
  readonly #waits = new Map<number, { readonly events: number; readonly isReady: () => void }>();
  #pipe: readonly [read: number, write: number] | undefined;
  #isWaiting = false;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** `isReady` is called again and again while there is something, until `forget`. */
  watch(fd: number, events: number, isReady: () => void): void {
    this.#waits.set(fd, { events, isReady });
    if (this.#isWaiting) this.#wake();
    else void this.#wait();
  }

  forget(fd: number): void {
    if (this.#waits.delete(fd) && this.#isWaiting) this.#wake();
  }

  /** Ends what is under way. */
  close(): void {
    this.#waits.clear();
    this.#wake();
  }

  #wake(): void {
    if (this.#pipe !== undefined) this.#kernel.write(this.#pipe[1], fixed(1));
  }

  async #wait(): Promise<void> {
    this.#isWaiting = true;
    const [waker] = (this.#pipe ??= this.#kernel.pipe());
    while (this.#waits.size > 0) {
      const waited = [...this.#waits].map(([fd, { events }]) => ({ fd, events }));
      const ready = await this.#kernel
        .poll([{ fd: waker, events: POLLIN }, ...waited], LONGEST_MS)
        // EINTR: a signal came; whatever else is found out by whoever reads.
        .catch(() => new Set<number>());
      if (ready.has(waker)) this.#kernel.read(waker, fixed(64));
      for (const fd of ready) this.#waits.get(fd)?.isReady();
    }
    this.#isWaiting = false;
  }
}
