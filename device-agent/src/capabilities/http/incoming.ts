/**
 * wasi:http's side of the response: the future, the response, its body and its trailers. Each that is
 * dropped before it was taken ends the exchange: nobody is left to want the rest.
 */
import { WitError } from '../host.ts';
import { clamp, InputStream, streamFailed, type Pollable } from '../io.ts';
import type { ErrorCode } from './errors.ts';
import type { Fields, FieldsClass } from './fields.ts';
import type { Holds } from './holds.ts';
import type { Line, ReceivedHead, Remote } from './line.ts';
import { ExchangeError } from './upload.ts';

type Result<T, E> = { readonly tag: 'ok'; readonly val: T } | { readonly tag: 'err'; readonly val: E };
/** Undefined while it is not there; then what came of it, once; then an error. */
type Once<T> = Result<Result<T, ErrorCode>, undefined> | undefined;

const again: Once<never> = { tag: 'err', val: undefined };
const came = <T>(val: T): Once<T> => ({ tag: 'ok', val: { tag: 'ok', val } });
const failed = (val: ErrorCode): Once<never> => ({ tag: 'ok', val: { tag: 'err', val } });

/** The case `err` of a result without a value. */
const refused = (): WitError<undefined> => new WitError(undefined);

/** A response's body, as it comes. */
class BodyInput extends InputStream {
  readonly #line: Line;
  readonly #remote: Remote;

  constructor(line: Line, remote: Remote) {
    super(() => new Uint8Array());
    this.#line = line;
    this.#remote = remote;
  }

  /** Empty when there is nothing now. */
  override read(length: bigint): Uint8Array {
    this.#line.hear();
    const bytes = this.#remote.take(clamp(length));
    if (bytes.length > 0 || length === 0n) return bytes;
    const { failure, trailers } = this.#remote;
    if (failure !== undefined) throw streamFailed(new ExchangeError(failure));
    if (trailers !== undefined) throw new WitError({ tag: 'closed' });
    return bytes;
  }

  override blockingRead(length: bigint): Uint8Array {
    if (length > 0n) this.#line.waitFor(() => this.#isReady);
    return this.read(length);
  }

  override blockingSkip(length: bigint): bigint {
    return BigInt(this.blockingRead(length).length);
  }

  override subscribe(): Pollable {
    return this.#line.pollable(() => this.#isReady);
  }

  get #isReady(): boolean {
    return this.#remote.chunk !== undefined || this.#remote.isOver;
  }
}

/** Makes the classes anew for each guest, with its line. */
export function createIncoming(line: Line, holds: Holds, Fields: FieldsClass) {
  /** What all of them have: they belong to an exchange, which ends with them unless it was passed on. */
  class Part {
    readonly remote: Remote;
    isPassedOn = false;

    constructor(remote: Remote) {
      holds.take();
      this.remote = remote;
    }

    [Symbol.dispose](): void {
      holds.give();
      if (!this.isPassedOn) this.remote.abort();
    }

    /** True once. */
    passOn(): boolean {
      const isFirst = !this.isPassedOn;
      this.isPassedOn = true;
      return isFirst;
    }
  }

  class FutureTrailers extends Part {
    subscribe(): Pollable {
      return line.pollable(() => this.remote.isOver);
    }

    get(): Once<Fields | undefined> {
      line.hear();
      const { failure, trailers } = this.remote;
      if (failure === undefined && trailers === undefined) return undefined;
      if (!this.passOn()) return again;
      if (failure !== undefined) return failed(failure);
      return came(trailers!.length === 0 ? undefined : Fields.received(trailers!));
    }
  }

  class IncomingBody extends Part {
    #isStreamed = false;

    static finish(body: IncomingBody): FutureTrailers {
      body.passOn();
      body[Symbol.dispose]();
      if (!body.remote.isOver) body.remote.discard();
      return new FutureTrailers(body.remote);
    }

    stream(): BodyInput {
      if (this.#isStreamed) throw refused();
      this.#isStreamed = true;
      return new BodyInput(line, this.remote);
    }
  }

  class IncomingResponse extends Part {
    readonly #head: ReceivedHead;

    constructor(remote: Remote, head: ReceivedHead) {
      super(remote);
      this.#head = head;
    }

    status(): number {
      return this.#head.status;
    }

    headers(): Fields {
      return Fields.received(this.#head.headers);
    }

    consume(): IncomingBody {
      if (!this.passOn()) throw refused();
      return new IncomingBody(this.remote);
    }
  }

  class FutureIncomingResponse extends Part {
    subscribe(): Pollable {
      return line.pollable(() => this.#hasCome);
    }

    get(): Once<IncomingResponse> {
      line.hear();
      if (!this.#hasCome) return undefined;
      if (!this.passOn()) return again;
      const { failure, head } = this.remote;
      return head === undefined ? failed(failure!) : came(new IncomingResponse(this.remote, head));
    }

    get #hasCome(): boolean {
      return this.remote.head !== undefined || this.remote.failure !== undefined;
    }
  }

  return { FutureIncomingResponse, IncomingResponse, IncomingBody, FutureTrailers };
}
