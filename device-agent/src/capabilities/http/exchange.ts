/**
 * One request and its response, in the network thread: resolve, check, connect, send, receive.
 *
 * INVARIANTS
 * - The name is resolved once, every address is checked, and the socket can only go to those that were:
 *   whatever the name says afterwards, nobody asks it again.
 * - Host, SNI and the certificate's check are about the name that was asked for.
 * - The socket belongs to this exchange alone and ends with it: no keep-alive, no pool, no proxy.
 * - Redirects are responses like any other.
 */
import {
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, isIPv6, type LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { HttpGrant } from '@wafer/protocol';
import { dnsError, errorCode, type ErrorCode } from './errors.ts';
import { isForbidden } from './header-rules.ts';
import { MAX_CHUNK_BYTES, type Denial, type FromNetwork, type Head, type Header } from './port.ts';
import { covering, describeAddress, describeUse, prohibited } from './rules.ts';

/** All headers of a response together, bytes. */
const MAX_HEADER_BYTES = 16 * 1024;
/** How long one of several addresses is tried before the next; the last is given all the time there is. */
const NEXT_ADDRESS_MS = 2500;

/** Every address of a name. Rejects as `dns.lookup` does. */
export type Lookup = (name: string) => Promise<readonly string[]>;

export interface ExchangeOptions {
  readonly head: Head;
  readonly grants: readonly HttpGrant[];
  readonly lookup: Lookup;
  readonly secureContext: () => SecureContext;
  readonly tell: (news: News) => void;
  /** Told once, when nothing more will be told and the socket is gone. */
  readonly onOver: () => void;
}

type Told<T> = T extends FromNetwork ? Omit<T, 'exchange'> : never;
export type News = Told<FromNetwork>;

class Alarm {
  #timer: NodeJS.Timeout | undefined;

  set(ms: number, ring: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(ring, ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

/** Answers the checked addresses, whatever is asked. */
function only(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  return (_, { all: wantsAll }, answer) =>
    wantsAll === true ? answer(null, all) : answer(null, all[0]!.address, all[0]!.family);
}

const pairs = (raw: readonly string[]): Header[] =>
  raw.flatMap((name, index): Header[] => (index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : []));

export class Exchange {
  readonly #options: ExchangeOptions;
  /** Of the phase before the response: resolving, connecting, waiting for the first byte. */
  readonly #phase = new Alarm();
  readonly #sending = new Alarm();
  readonly #receiving = new Alarm();
  /** What is to be done once there is a request. */
  readonly #queued: ((request: ClientRequest) => void)[] = [];
  #request: ClientRequest | undefined;
  #response: IncomingMessage | undefined;
  #isConnected = false;
  #unsent = 0;
  #wantsChunk = true;
  #discards = false;
  #isOver = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  begin(): void {
    this.#begin().catch((error: unknown) => this.#fail(errorCode(error)));
  }

  write(bytes: Uint8Array): void {
    this.#unsent += 1;
    this.#whenSending((request) => {
      if (!request.headersSent && !request.hasHeader('content-length')) {
        request.setHeader('transfer-encoding', 'chunked');
      }
      this.#watchSending();
      request.write(bytes, () => this.#sent(bytes.length));
    });
  }

  end(trailers: readonly Header[]): void {
    this.#whenSending((request) => {
      if (trailers.length > 0) {
        if (!request.headersSent) request.setHeader('transfer-encoding', 'chunked');
        request.addTrailers(trailers.map(([name, value]): [string, string] => [name, value]));
      }
      request.end();
    });
  }

  more(): void {
    this.#wantsChunk = true;
    this.#pump();
  }

  discard(): void {
    this.#discards = true;
    this.#pump();
  }

  abort(): void {
    this.#finish({ tell: 'aborted' });
  }

  async #begin(): Promise<void> {
    const { head, lookup } = this.#options;
    const { target, connectMs } = head;
    const grants = covering(this.#options.grants, head.method, target);
    if (grants.length === 0) {
      const subject = describeUse(head.method, target);
      return this.#fail({ tag: 'HTTP-request-denied' }, { subject, message: `No grant covers ${subject}.` });
    }
    this.#phase.set(connectMs, () => this.#fail({ tag: 'DNS-timeout' }));
    let addresses: readonly string[];
    try {
      addresses = isIP(target.host) === 0 ? await lookup(target.host) : [target.host];
    } catch (error) {
      return this.#fail(dnsError(error));
    }
    if (this.#isOver) return;
    if (addresses.length === 0) return this.#fail(dnsError(undefined));
    const denied = prohibited(grants, addresses);
    if (denied !== undefined) {
      const subject = describeAddress(target, denied);
      const message = `${target.host} leads to ${denied}, which is not public and which no grant names.`;
      return this.#fail({ tag: 'destination-IP-prohibited' }, { subject, message });
    }
    this.#phase.set(connectMs, () => this.#fail({ tag: 'connection-timeout' }));
    this.#connect(addresses);
  }

  #connect(addresses: readonly string[]): void {
    const { method, path, target, hasBody } = this.#options.head;
    const isTls = target.scheme === 'https';
    // These are handed on to the socket, of whose options `RequestOptions` knows only a few.
    const options: RequestOptions & { readonly [socketOption: string]: unknown } = {
      agent: false,
      host: target.host,
      port: target.port,
      method,
      path,
      lookup: only(addresses),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
      ...(isTls ? { secureContext: this.#options.secureContext(), rejectUnauthorized: true } : {}),
    };
    const request = isTls ? requestHttps(options) : requestHttp(options);
    this.#request = request;
    // The size of all headers together is what bounds them: none is left out silently.
    request.maxHeadersCount = 0;
    this.#listen(request, isTls ? 'secureConnect' : 'connect');
    this.#setHeaders(request);
    for (const act of this.#queued.splice(0)) act(request);
    if (!hasBody) request.end();
  }

  #listen(request: ClientRequest, connected: 'connect' | 'secureConnect'): void {
    const { firstByteMs } = this.#options.head;
    request.on('socket', (socket) => {
      socket.once(connected, () => {
        this.#isConnected = true;
        this.#phase.clear();
        if (request.writableFinished) this.#awaitResponse(firstByteMs);
        this.#watchSending();
      });
    });
    request.on('finish', () => {
      if (this.#isConnected) this.#awaitResponse(firstByteMs);
    });
    request.on('response', (response) => this.#respond(response));
    request.on('upgrade', (_, socket) => {
      socket.destroy();
      this.#fail({ tag: 'HTTP-upgrade-failed' });
    });
    // Once there is a response, what becomes of it tells; a server need not read all that it is sent.
    request.on('error', (error) => {
      if (this.#response === undefined) this.#fail(errorCode(error));
    });
    request.on('close', () => {
      if (this.#response === undefined) this.#fail({ tag: 'connection-terminated' });
    });
  }

  #setHeaders(request: ClientRequest): void {
    const named = Map.groupBy(this.#options.head.headers, ([name]) => name.toLowerCase());
    for (const headers of named.values()) {
      const values = headers.map(([, value]) => value);
      request.setHeader(headers[0]![0], values.length === 1 ? values[0]! : values);
    }
  }

  #awaitResponse(firstByteMs: number): void {
    if (this.#response !== undefined) return;
    this.#phase.set(firstByteMs, () => this.#fail({ tag: 'HTTP-response-timeout' }));
  }

  #respond(response: IncomingMessage): void {
    this.#phase.clear();
    if (this.#isOver) return;
    this.#response = response;
    response.on('readable', () => this.#pump());
    response.on('end', () => this.#finish({ tell: 'end', trailers: pairs(response.rawTrailers) }));
    response.on('error', () => this.#fail({ tag: 'HTTP-response-incomplete' }));
    const headers = pairs(response.rawHeaders).filter(([name]) => !isForbidden(name));
    this.#options.tell({ tell: 'response', status: response.statusCode ?? 0, headers });
    this.#pump();
  }

  /** Hands over one chunk when it is wanted, and reads on from the socket only then. */
  #pump(): void {
    const response = this.#response;
    if (response === undefined || this.#isOver) return;
    if (!this.#wantsChunk && !this.#discards) return;
    const size = Math.min(response.readableLength, MAX_CHUNK_BYTES);
    const chunk = response.read(size === 0 ? undefined : size) as Buffer | null;
    if (chunk === null) {
      const { betweenBytesMs } = this.#options.head;
      this.#receiving.set(betweenBytesMs, () => this.#fail({ tag: 'connection-read-timeout' }));
      return;
    }
    this.#receiving.clear();
    if (this.#discards) return this.#pump();
    this.#wantsChunk = false;
    this.#options.tell({ tell: 'chunk', bytes: new Uint8Array(chunk) });
  }

  #whenSending(act: (request: ClientRequest) => void): void {
    if (this.#isOver) return;
    if (this.#request === undefined) return void this.#queued.push(act);
    try {
      act(this.#request);
    } catch (error) {
      // Such as headers that announce trailers where there can be none.
      this.#fail(errorCode(error));
    }
  }

  #sent(bytes: number): void {
    this.#unsent -= 1;
    if (this.#isOver) return;
    this.#watchSending();
    this.#options.tell({ tell: 'sent', bytes });
  }

  #watchSending(): void {
    if (!this.#isConnected) return;
    if (this.#unsent === 0) return this.#sending.clear();
    const { betweenBytesMs } = this.#options.head;
    this.#sending.set(betweenBytesMs, () => this.#fail({ tag: 'connection-write-timeout' }));
  }

  #fail(code: ErrorCode, denial?: Denial): void {
    this.#finish({ tell: 'failed', code, denial });
  }

  #finish(last: News): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const alarm of [this.#phase, this.#sending, this.#receiving]) alarm.clear();
    this.#queued.length = 0;
    this.#request?.destroy();
    this.#options.tell(last);
    this.#options.onOver();
  }
}
