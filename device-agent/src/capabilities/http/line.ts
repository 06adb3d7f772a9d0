/**
 * A guest's line to the network, as its isolate holds it. Guests are synchronous: whoever waits sleeps on
 * the line's word until the network thread has told something.
 */
import { receiveMessageOnPort } from 'node:worker_threads';
import { Pollable } from '../io.ts';
import type { ErrorCode } from './errors.ts';
import {
  MAX_EXCHANGES,
  SEND_WINDOW_BYTES,
  type Denial,
  type FromNetwork,
  type Head,
  type Header,
  type HttpLine,
  type ToNetwork,
} from './port.ts';

type Asked<T> = T extends ToNetwork ? Omit<T, 'exchange'> : never;

export interface ReceivedHead {
  readonly status: number;
  readonly headers: readonly Header[];
}

/** An exchange as far as it has been told of. */
export class Remote {
  /** Bytes that may be sent now. */
  room = SEND_WINDOW_BYTES;
  head: ReceivedHead | undefined;
  failure: ErrorCode | undefined;
  trailers: readonly Header[] | undefined;
  chunk: Uint8Array | undefined;
  isAborted = false;
  readonly #ask: (asked: Asked<ToNetwork>, transfer?: ArrayBuffer) => void;

  constructor(ask: (asked: Asked<ToNetwork>, transfer?: ArrayBuffer) => void) {
    this.#ask = ask;
  }

  /** Nothing more will be told. */
  get isOver(): boolean {
    return this.failure !== undefined || this.trailers !== undefined;
  }

  write(bytes: Uint8Array<ArrayBuffer>): void {
    this.room -= bytes.length;
    this.#ask({ ask: 'write', bytes }, bytes.buffer);
  }

  end(trailers: readonly Header[]): void {
    this.#ask({ ask: 'end', trailers });
  }

  /** Takes up to `length` bytes of what is there. */
  take(length: number): Uint8Array {
    const { chunk } = this;
    if (chunk === undefined) return new Uint8Array();
    const taken = chunk.subarray(0, length);
    this.chunk = taken.length < chunk.length ? chunk.subarray(taken.length) : undefined;
    if (this.chunk === undefined) this.#ask({ ask: 'more' });
    return taken;
  }

  discard(): void {
    this.chunk = undefined;
    this.#ask({ ask: 'discard' });
  }

  abort(): void {
    if (this.isOver || this.isAborted) return;
    this.isAborted = true;
    this.#ask({ ask: 'abort' });
  }

  hear(news: FromNetwork): void {
    switch (news.tell) {
      case 'sent':
        this.room += news.bytes;
        return;
      case 'response':
        this.head = news;
        return;
      case 'chunk':
        this.chunk = news.bytes;
        return;
      case 'end':
        this.trailers = news.trailers;
        return;
      case 'failed':
        this.failure = news.code;
        return;
      case 'aborted':
        this.failure = { tag: 'connection-terminated' };
    }
  }
}

export class Line {
  readonly #line: HttpLine;
  readonly #word: Int32Array;
  readonly #onDenial: (denial: Denial) => void;
  readonly #open = new Map<number, Remote>();
  #seen = 0;
  #last = 0;

  constructor(line: HttpLine, onDenial: (denial: Denial) => void) {
    this.#line = line;
    this.#word = new Int32Array(line.signal);
    this.#onDenial = onDenial;
  }

  /** Takes in what has been told. */
  hear(): void {
    this.#seen = Atomics.load(this.#word, 0);
    for (;;) {
      const received: { message: FromNetwork } | undefined = receiveMessageOnPort(this.#line.port);
      if (received === undefined) return;
      this.#take(received.message);
    }
  }

  /** Until something has been told since it last heard, at most `ms`. */
  sleep(ms: number): void {
    Atomics.wait(this.#word, 0, this.#seen, ms);
  }

  waitFor(holds: () => boolean): void {
    for (this.hear(); !holds(); this.hear()) this.sleep(Infinity);
  }

  /** Ready when `holds` does. */
  pollable(holds: () => boolean): Pollable {
    const hasCome = (): boolean => {
      this.hear();
      return holds();
    };
    return new Pollable(Infinity, { hasCome, sleep: (ms) => this.sleep(ms) });
  }

  /** Undefined when the guest has as many under way as it may. */
  begin(head: Head): Remote | undefined {
    this.hear();
    // Those that were aborted go as soon as the network thread has heard of it.
    const isLeaving = (): boolean => [...this.#open.values()].some(({ isAborted }) => isAborted);
    if (this.#open.size >= MAX_EXCHANGES) this.waitFor(() => this.#open.size < MAX_EXCHANGES || !isLeaving());
    if (this.#open.size >= MAX_EXCHANGES) return undefined;
    this.#last += 1;
    const exchange = this.#last;
    const remote = new Remote((asked, transfer) => {
      if (!this.#open.has(exchange)) return;
      this.#line.port.postMessage({ ...asked, exchange }, transfer === undefined ? [] : [transfer]);
    });
    this.#open.set(exchange, remote);
    const begun: ToNetwork = { ask: 'begin', exchange, head };
    this.#line.port.postMessage(begun, []);
    return remote;
  }

  close(): void {
    this.#line.port.close();
  }

  #take(news: FromNetwork): void {
    const remote = this.#open.get(news.exchange);
    if (news.tell === 'failed' && news.denial !== undefined) this.#onDenial(news.denial);
    remote?.hear(news);
    if (remote?.isOver === true) this.#open.delete(news.exchange);
  }
}
