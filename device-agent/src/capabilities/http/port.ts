/**
 * What an isolate and the network thread say to each other. A guest has a line of its own, which the
 * network thread knows to have certain grants: nothing in a message can name another's.
 *
 * An exchange is one request and its response, numbered by the isolate. It ends with exactly one of
 * `end`, `failed` and `aborted`, and its number is not heard of again. So few exchanges at a time, a
 * window for what is sent and one chunk at a time for what is received bound what a line holds in memory.
 */
import type { MessagePort } from 'node:worker_threads';
import type { HttpGrant } from '@wafer/protocol';
import type { ErrorCode } from './errors.ts';
import type { Target } from './rules.ts';

/** Requests that one guest may have under way. */
export const MAX_EXCHANGES = 8;
/** Bytes of a request's body that may be on their way to the socket. */
export const SEND_WINDOW_BYTES = 64 * 1024;
/** Largest piece of a response's body that is handed over; the next is read when the guest has taken it. */
export const MAX_CHUNK_BYTES = 64 * 1024;

/** Name and value; the value is a string of bytes (Latin-1). */
export type Header = readonly [name: string, value: string];

export interface Head {
  readonly method: string;
  readonly target: Target;
  readonly path: string;
  readonly headers: readonly Header[];
  /** `write` and `end` follow; otherwise the request is complete. */
  readonly hasBody: boolean;
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly betweenBytesMs: number;
}

export type ToNetwork = { readonly exchange: number } & (
  | { readonly ask: 'begin'; readonly head: Head }
  | { readonly ask: 'write'; readonly bytes: Uint8Array }
  | { readonly ask: 'end'; readonly trailers: readonly Header[] }
  /** The chunk before was taken; the next may come. */
  | { readonly ask: 'more' }
  /** No more of the body is wanted, only what follows it. */
  | { readonly ask: 'discard' }
  | { readonly ask: 'abort' }
);

/** A use that the grants deny, for the record. */
export interface Denial {
  readonly message: string;
  readonly subject: string;
}

export type FromNetwork = { readonly exchange: number } & (
  | { readonly tell: 'sent'; readonly bytes: number }
  | { readonly tell: 'response'; readonly status: number; readonly headers: readonly Header[] }
  | { readonly tell: 'chunk'; readonly bytes: Uint8Array }
  | { readonly tell: 'end'; readonly trailers: readonly Header[] }
  | { readonly tell: 'failed'; readonly code: ErrorCode; readonly denial: Denial | undefined }
  | { readonly tell: 'aborted' }
);

/** One guest's line to the network. */
export interface HttpLine {
  readonly port: MessagePort;
  /** One word, counting what was told. */
  readonly signal: SharedArrayBuffer;
}

/** Main thread to network thread: from now on `port` asks under these grants, until it is closed. */
export interface Attach extends HttpLine {
  readonly grants: readonly HttpGrant[];
}

/** Network thread to main thread: no line is open. `attached` lines were, so far. */
export interface Idle {
  readonly attached: number;
}
