/**
 * The body of a request on its way out. A guest may write before it hands the request over; what it writes
 * waits here then, up to one window.
 */
import { WitError } from '../host.ts';
import { clamp, IoError, OutputStream, streamFailed, type InputStream, type Pollable } from '../io.ts';
import type { ErrorCode } from './errors.ts';
import type { Line, Remote } from './line.ts';
import { SEND_WINDOW_BYTES, type Header } from './port.ts';

/** The resource `error` of a stream that belongs to an exchange. */
export class ExchangeError extends IoError {
  readonly errorCode: ErrorCode;

  constructor(errorCode: ErrorCode) {
    super(errorCode.tag);
    this.errorCode = errorCode;
  }
}

export interface UploadOptions {
  readonly line: Line;
  /** What the guest said in `content-length`. */
  readonly declaredBytes: number | undefined;
  /** Counts bytes; false when the guest may send no more now. */
  readonly spend: (bytes: number) => boolean;
}

export class Upload {
  readonly #options: UploadOptions;
  readonly #waiting: Uint8Array<ArrayBuffer>[] = [];
  #room = SEND_WINDOW_BYTES;
  #writtenBytes = 0;
  #trailers: readonly Header[] | undefined;
  #failure: ErrorCode | undefined;
  #remote: Remote | undefined;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  get line(): Line {
    return this.#options.line;
  }

  get isHandedOver(): boolean {
    return this.#remote !== undefined;
  }

  /** The request was handed over: what waits goes after it. */
  connect(remote: Remote): void {
    this.#remote = remote;
    if (this.#failure !== undefined) return remote.abort();
    for (const bytes of this.#waiting.splice(0)) remote.write(bytes);
    if (this.#trailers !== undefined) remote.end(this.#trailers);
  }

  /** Bytes that may be written now. Throws a `StreamError` when none ever may again. */
  get room(): number {
    this.#mustNotHaveFailed();
    if (this.#trailers !== undefined || this.#remote?.isOver === true) throw new WitError({ tag: 'closed' });
    return this.#remote?.room ?? this.#room;
  }

  /** Throws a `StreamError` when something of it never goes out. */
  get isFlushed(): boolean {
    this.#mustNotHaveFailed();
    if (this.#remote === undefined || this.#remote.room === SEND_WINDOW_BYTES) return true;
    // A server answers as soon as it has all bytes that were announced, which may be heard of first.
    if (this.#remote.isOver && this.#writtenBytes === this.#options.declaredBytes) return true;
    return this.room === SEND_WINDOW_BYTES;
  }

  #mustNotHaveFailed(): void {
    this.line.hear();
    const failure = this.#failure ?? this.#remote?.failure;
    if (failure !== undefined) throw streamFailed(new ExchangeError(failure));
  }

  /** Something can be written, or nothing ever will. */
  get isReady(): boolean {
    try {
      return this.room > 0;
    } catch {
      return true;
    }
  }

  /** At most `room`. Throws a `StreamError`. */
  write(bytes: Uint8Array): void {
    const { declaredBytes, spend } = this.#options;
    if (bytes.length > this.room) throw new RangeError('write beyond what check-write allows');
    if (bytes.length === 0) return;
    const writtenBytes = this.#writtenBytes + bytes.length;
    if (declaredBytes !== undefined && writtenBytes > declaredBytes) {
      throw streamFailed(new ExchangeError(this.#break(bodySize(writtenBytes))));
    }
    if (!spend(bytes.length)) {
      const code: ErrorCode = { tag: 'internal-error', val: 'over the limit outgoingBytesPerMinute' };
      throw streamFailed(new ExchangeError(this.#break(code)));
    }
    this.#writtenBytes = writtenBytes;
    const copy = bytes.slice();
    if (this.#remote !== undefined) return this.#remote.write(copy);
    this.#room -= copy.length;
    this.#waiting.push(copy);
  }

  /** Throws an `ErrorCode`. */
  finish(trailers: readonly Header[]): void {
    const { declaredBytes } = this.#options;
    this.line.hear();
    const failure = this.#failure ?? this.#remote?.failure;
    if (failure !== undefined) throw new WitError(failure);
    if (declaredBytes !== undefined && declaredBytes !== this.#writtenBytes) {
      throw new WitError(this.#break(bodySize(this.#writtenBytes)));
    }
    if (declaredBytes !== undefined && trailers.length > 0) {
      // Only the chunked coding has room for trailers.
      throw new WitError(this.#break({ tag: 'HTTP-protocol-error' }));
    }
    this.#trailers = trailers;
    this.#remote?.end(trailers);
  }

  /** Dropped unfinished: what was sent is not to be taken for the whole. */
  abandon(): void {
    if (this.#trailers === undefined) this.#break({ tag: 'connection-terminated' });
  }

  #break(code: ErrorCode): ErrorCode {
    this.#failure ??= code;
    this.#waiting.length = 0;
    this.#remote?.abort();
    return code;
  }
}

const bodySize = (bytes: number): ErrorCode => ({ tag: 'HTTP-request-body-size', val: BigInt(bytes) });

const notHandedOver = (): WitError<unknown> =>
  streamFailed(
    new IoError(`hand the request over before writing more than ${SEND_WINDOW_BYTES} bytes of its body`),
  );

/** The stream of a request's body: what is written waits for room, and room comes as the socket takes it. */
export class BodyOutput extends OutputStream {
  readonly #upload: Upload;

  constructor(upload: Upload) {
    super({ write: (bytes) => upload.write(bytes), flush: () => undefined });
    this.#upload = upload;
  }

  override checkWrite(): bigint {
    return BigInt(this.#upload.room);
  }

  override blockingWriteAndFlush(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const room = this.#awaitRoom();
      this.write(bytes.subarray(at, at + room));
      at += room;
    }
    this.blockingFlush();
  }

  /** What was written goes out by itself; this only tells of a failure. */
  override flush(): void {
    void this.#upload.isFlushed;
  }

  override blockingFlush(): void {
    this.#upload.line.waitFor(() => this.#upload.isFlushed);
  }

  override writeZeroes(length: bigint): void {
    this.write(new Uint8Array(clamp(length)));
  }

  override blockingWriteZeroesAndFlush(length: bigint): void {
    this.blockingWriteAndFlush(new Uint8Array(clamp(length)));
  }

  override splice(source: InputStream, length: bigint): bigint {
    const room = BigInt(this.#upload.room);
    return super.splice(source, length < room ? length : room);
  }

  override blockingSplice(source: InputStream, length: bigint): bigint {
    const room = BigInt(this.#awaitRoom());
    const bytes = source.blockingRead(length < room ? length : room);
    this.write(bytes);
    return BigInt(bytes.length);
  }

  override subscribe(): Pollable {
    return this.#upload.line.pollable(() => this.#upload.isReady);
  }

  #awaitRoom(): number {
    if (this.#upload.room === 0 && !this.#upload.isHandedOver) throw notHandedOver();
    this.#upload.line.waitFor(() => this.#upload.room > 0);
    return this.#upload.room;
  }
}
