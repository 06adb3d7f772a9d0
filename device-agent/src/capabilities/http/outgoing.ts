/** wasi:http's side of the request: what a guest puts together before it hands it over. */
import { WitError } from '../host.ts';
import type { Fields, FieldsClass } from './fields.ts';
import { isToken } from './header-rules.ts';
import type { Holds } from './holds.ts';
import type { Line } from './line.ts';
import { BodyOutput, Upload } from './upload.ts';

const PLAIN_METHODS = [
  'get',
  'head',
  'post',
  'put',
  'delete',
  'connect',
  'options',
  'trace',
  'patch',
] as const;

export type Method = { readonly tag: (typeof PLAIN_METHODS)[number] } | { tag: 'other'; val: string };
export type Scheme = { readonly tag: 'HTTP' | 'HTTPS' } | { readonly tag: 'other'; readonly val: string };

const MAX_METHOD_CHARACTERS = 32;
const MAX_PATH_CHARACTERS = 8192;
const MAX_AUTHORITY_CHARACTERS = 300;
const MAX_SCHEME_CHARACTERS = 32;

/** As it stands in the request's first line. */
export const methodName = (method: Method): string =>
  method.tag === 'other' ? method.val : method.tag.toUpperCase();

/** The case `err` of a result without a value. */
const refused = (): WitError<undefined> => new WitError(undefined);

/** Bytes that `content-length` announces; NaN when what it says is no one number. */
function declared(fields: Fields): number | undefined {
  const values = fields.list.filter(([name]) => name.toLowerCase() === 'content-length');
  if (values.length === 0) return undefined;
  const [, value] = values[0]!;
  return values.length === 1 && /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
}

export interface OutgoingOptions {
  readonly line: Line;
  readonly holds: Holds;
  readonly fields: FieldsClass;
  readonly spend: (bytes: number) => boolean;
}

/** Makes the classes anew for each guest. */
export function createOutgoing({ line, holds, fields: FieldsOf, spend }: OutgoingOptions) {
  class OutgoingBody {
    readonly #upload: Upload;
    #isStreamed = false;
    #isFinished = false;

    constructor(upload: Upload) {
      holds.take();
      this.#upload = upload;
    }

    static finish(body: OutgoingBody, trailers: Fields | undefined): void {
      const list = trailers?.list ?? [];
      trailers?.[Symbol.dispose]();
      body.#isFinished = true;
      body[Symbol.dispose]();
      body.#upload.finish(list);
    }

    [Symbol.dispose](): void {
      holds.give();
      if (!this.#isFinished) this.#upload.abandon();
    }

    write(): BodyOutput {
      if (this.#isStreamed) throw refused();
      this.#isStreamed = true;
      return new BodyOutput(this.#upload);
    }
  }

  class OutgoingRequest {
    readonly #headers: Fields;
    readonly declaredBytes: number | undefined;
    upload: Upload | undefined;
    #method: Method = { tag: 'get' };
    #scheme: Scheme | undefined;
    #authority: string | undefined;
    #path: string | undefined;

    constructor(headers: Fields) {
      holds.take();
      this.#headers = headers;
      this.declaredBytes = declared(headers);
    }

    [Symbol.dispose](): void {
      holds.give();
      this.#headers[Symbol.dispose]();
    }

    body(): OutgoingBody {
      if (this.upload !== undefined) throw refused();
      this.upload = new Upload({ line, declaredBytes: this.declaredBytes, spend });
      return new OutgoingBody(this.upload);
    }

    method(): Method {
      return this.#method;
    }

    setMethod(method: Method): void {
      const name = methodName(method);
      if (name.length > MAX_METHOD_CHARACTERS || !isToken(name)) throw refused();
      this.#method = method;
    }

    pathWithQuery(): string | undefined {
      return this.#path;
    }

    /** What a request's first line can hold: no spaces, no control characters, no fragment. */
    setPathWithQuery(path: string | undefined): void {
      if (path !== undefined && (path.length > MAX_PATH_CHARACTERS || !/^[!"$-~]*$/.test(path)))
        throw refused();
      this.#path = path;
    }

    scheme(): Scheme | undefined {
      return this.#scheme;
    }

    setScheme(scheme: Scheme | undefined): void {
      if (scheme?.tag === 'other' && scheme.val.length > MAX_SCHEME_CHARACTERS) throw refused();
      this.#scheme = scheme;
    }

    authority(): string | undefined {
      return this.#authority;
    }

    setAuthority(authority: string | undefined): void {
      if (authority !== undefined && authority.length > MAX_AUTHORITY_CHARACTERS) throw refused();
      this.#authority = authority;
    }

    headers(): Fields {
      return this.#headers.frozen();
    }

    get list() {
      return this.#headers.list;
    }
  }

  class RequestOptions {
    #connect: bigint | undefined;
    #firstByte: bigint | undefined;
    #betweenBytes: bigint | undefined;

    constructor() {
      holds.take();
    }

    [Symbol.dispose](): void {
      holds.give();
    }

    connectTimeout(): bigint | undefined {
      return this.#connect;
    }

    setConnectTimeout(duration: bigint | undefined): void {
      this.#connect = duration;
    }

    firstByteTimeout(): bigint | undefined {
      return this.#firstByte;
    }

    setFirstByteTimeout(duration: bigint | undefined): void {
      this.#firstByte = duration;
    }

    betweenBytesTimeout(): bigint | undefined {
      return this.#betweenBytes;
    }

    setBetweenBytesTimeout(duration: bigint | undefined): void {
      this.#betweenBytes = duration;
    }
  }

  // Fields are made by their own class only; the bindings ask for it under this name.
  return { Fields: FieldsOf, OutgoingRequest, OutgoingBody, RequestOptions };
}

type OutgoingClasses = ReturnType<typeof createOutgoing>;
export type OutgoingRequest = InstanceType<OutgoingClasses['OutgoingRequest']>;
export type RequestOptions = InstanceType<OutgoingClasses['RequestOptions']>;
