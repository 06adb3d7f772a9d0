/**
 * A guest's line to the board's hardware, as its isolate holds it. Guests are synchronous: whoever asks sleeps
 * on the line's word until the hardware's thread has answered, and hears meanwhile what became ready.
 */
import { receiveMessageOnPort } from 'node:worker_threads';
import { Refusal } from '../host.ts';
import { Pollable } from '../io.ts';
import type { BoardPort, Reply, Request, Told } from './port.ts';

/** Longer than any bus, sensor or write may take; the guest's own deadline mostly comes first. */
const PATIENCE_MS = 20_000;

export class BoardLine {
  readonly #line: BoardPort;
  readonly #word: Int32Array;
  readonly #ready = new Set<number>();
  #replies: Reply[] = [];
  #seen = 0;

  constructor(line: BoardPort) {
    this.#line = line;
    this.#word = new Int32Array(line.signal);
  }

  /** Throws a `Refusal` when no answer comes. */
  ask(request: Request): Reply {
    this.#line.port.postMessage(request, []);
    const until = performance.now() + PATIENCE_MS;
    for (this.#hear(); this.#replies.length === 0; this.#hear()) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) throw new Refusal('disk', 'The hardware of the board did not answer.', 'board');
      this.#sleep(leftMs);
    }
    return this.#replies.shift()!;
  }

  /** Ready when `watch` was told of, or at `dueMs` of the clock that only goes forward. */
  pollable(watch: number, dueMs = Infinity): Pollable {
    const hasCome = (): boolean => {
      this.#hear();
      return this.#ready.has(watch);
    };
    return new Pollable(dueMs, { hasCome, sleep: (ms) => this.#sleep(ms) });
  }

  /** It is not waited for any more. */
  forget(watch: number): void {
    this.#hear();
    if (!this.#ready.delete(watch)) this.ask({ ask: 'unwatch', watch });
    this.#ready.delete(watch);
  }

  close(): void {
    this.#line.port.close();
  }

  #hear(): void {
    this.#seen = Atomics.load(this.#word, 0);
    for (;;) {
      const received: { message: Told } | undefined = receiveMessageOnPort(this.#line.port);
      if (received === undefined) return;
      const { message } = received;
      if ('reply' in message) this.#replies.push(message.reply);
      else this.#ready.add(message.ready);
    }
  }

  #sleep(ms: number): void {
    Atomics.wait(this.#word, 0, this.#seen, ms);
  }
}
