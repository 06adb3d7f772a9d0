/**
 * wasi:io — errors, pollables and streams (WASI 0.2). They do nothing by themselves: what a stream reads
 * from or writes to comes from the capability that made it.
 *
 * Calls are synchronous. A guest that waits blocks its isolate, and its deadline runs meanwhile.
 */
import { WitError } from './host.ts';

/** Most bytes that one read or one write moves; a guest asks again for more. */
const MAX_TRANSFER_BYTES = 1024 * 1024;

export type StreamError = { tag: 'closed' } | { tag: 'last-operation-failed'; val: IoError };

const streamClosed = (): WitError<StreamError> => new WitError({ tag: 'closed' });

export const streamFailed = (error: IoError): WitError<StreamError> =>
  new WitError({ tag: 'last-operation-failed', val: error });

/** The resource `error`; `code` is what `filesystem-error-code` answers for it. */
export class IoError {
  readonly code: string | undefined;
  readonly #message: string;

  constructor(message: string, code?: string) {
    this.#message = message;
    this.code = code;
  }

  toDebugString(): string {
    return this.#message;
  }
}

const sleepCell = new Int32Array(new SharedArrayBuffer(4));

interface WaitListener {
  begins(): void;
  ends(): void;
}

let waiting: WaitListener | undefined;

/** Tells when a guest of this thread waits: for a service, which has the thread to itself. */
export const onWait = (listener: WaitListener): void => void (waiting = listener);

/** Blocks the thread; ending the isolate interrupts it. */
const sleep = (milliseconds: number): void => void Atomics.wait(sleepCell, 0, 0, milliseconds);

const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** What another thread tells. All pollables of a guest that wait for news share its one line to that thread. */
export interface News {
  /** Takes in what has been told, and says whether it is what is waited for. */
  hasCome(): boolean;
  /** Until something is told that was not taken in yet, at most `ms`. */
  sleep(ms: number): void;
}

/** Ready from an instant on, or at once, or when there is news. */
export class Pollable {
  /** Monotonic clock, ms. */
  readonly dueMs: number;
  readonly news: News | undefined;

  constructor(dueMs = 0, news?: News) {
    this.dueMs = dueMs;
    this.news = news;
  }

  ready(): boolean {
    return this.dueMs <= monotonicMs() || this.news?.hasCome() === true;
  }

  block(): void {
    poll([this]);
  }
}

/** Blocks until at least one is ready; answers the indexes of all that are. Traps on an empty list. */
function poll(pollables: readonly Pollable[]): Uint32Array {
  if (pollables.length === 0) throw new TypeError('poll needs at least one pollable');
  const dueMs = pollables.reduce((earliest, pollable) => Math.min(earliest, pollable.dueMs), Infinity);
  const news = pollables.find((pollable) => pollable.news !== undefined)?.news;
  for (;;) {
    const ready = pollables.flatMap((pollable, index) => (pollable.ready() ? [index] : []));
    if (ready.length > 0) return Uint32Array.from(ready);
    waiting?.begins();
    const leftMs = Math.max(dueMs - monotonicMs(), 0);
    if (news === undefined) sleep(leftMs);
    else news.sleep(leftMs);
    waiting?.ends();
  }
}

/** How much of a transfer is done at once. */
export const clamp = (length: bigint): number =>
  length > BigInt(MAX_TRANSFER_BYTES) ? MAX_TRANSFER_BYTES : Number(length);

/** Answers up to `length` bytes; none at the end. Throws a `StreamError`. */
export type ReadBytes = (length: number) => Uint8Array;

export class InputStream {
  readonly #read: ReadBytes;
  readonly #drop: () => void;

  constructor(read: ReadBytes, drop: () => void = () => undefined) {
    this.#read = read;
    this.#drop = drop;
  }

  [Symbol.dispose](): void {
    this.#drop();
  }

  read(length: bigint): Uint8Array {
    const wanted = clamp(length);
    if (wanted === 0) return new Uint8Array();
    const bytes = this.#read(wanted);
    if (bytes.length === 0) throw streamClosed();
    return bytes;
  }

  blockingRead(length: bigint): Uint8Array {
    return this.read(length);
  }

  skip(length: bigint): bigint {
    return BigInt(this.read(length).length);
  }

  blockingSkip(length: bigint): bigint {
    return this.skip(length);
  }

  subscribe(): Pollable {
    return new Pollable();
  }
}

export interface Sink {
  /** Takes all bytes. Throws a `StreamError`. */
  write(bytes: Uint8Array): void;
  flush(): void;
}

export class OutputStream {
  readonly #sink: Sink;
  readonly #drop: () => void;

  constructor(sink: Sink, drop: () => void = () => undefined) {
    this.#sink = sink;
    this.#drop = drop;
  }

  [Symbol.dispose](): void {
    this.#drop();
  }

  checkWrite(): bigint {
    return BigInt(MAX_TRANSFER_BYTES);
  }

  write(bytes: Uint8Array): void {
    this.#sink.write(bytes);
  }

  blockingWriteAndFlush(bytes: Uint8Array): void {
    this.#sink.write(bytes);
    this.#sink.flush();
  }

  flush(): void {
    this.#sink.flush();
  }

  blockingFlush(): void {
    this.#sink.flush();
  }

  /** More than `check-write` allowed is a trap, as the WIT has it. */
  writeZeroes(length: bigint): void {
    if (length > BigInt(MAX_TRANSFER_BYTES))
      throw new RangeError('write-zeroes beyond what check-write allows');
    this.#sink.write(new Uint8Array(Number(length)));
  }

  blockingWriteZeroesAndFlush(length: bigint): void {
    this.writeZeroes(length);
    this.#sink.flush();
  }

  splice(source: InputStream, length: bigint): bigint {
    // A source may use its memory again, a sink may keep what it was given.
    const bytes = source.read(length).slice();
    this.#sink.write(bytes);
    return BigInt(bytes.length);
  }

  blockingSplice(source: InputStream, length: bigint): bigint {
    return this.splice(source, length);
  }

  subscribe(): Pollable {
    return new Pollable();
  }
}

export const io = {
  'wasi:io/error': { Error: IoError },
  'wasi:io/poll': { Pollable, poll },
  'wasi:io/streams': { InputStream, OutputStream },
};
