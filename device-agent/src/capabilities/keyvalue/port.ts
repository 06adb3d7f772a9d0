/**
 * What an isolate asks the keeper of stores, and how it waits for the answer. Guests are synchronous, so
 * the isolate sleeps on a word of shared memory until the keeper has posted the answer.
 *
 * Each guest has a port of its own, which the keeper knows to be of one app and of certain stores: there
 * is nothing in a request that could name another's.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { Refusal } from '../host.ts';
import type { Page } from './store.ts';

export type Request = { readonly store: string } & (
  | { readonly ask: 'get' | 'exists' | 'delete'; readonly key: string }
  | { readonly ask: 'set'; readonly key: string; readonly value: Uint8Array }
  | { readonly ask: 'list'; readonly cursor: string | undefined }
);

/** A failure is the store's, not the guest's doing: its quota, or the disk. */
export type Reply =
  | { readonly status: 'value'; readonly value: Uint8Array | undefined }
  | { readonly status: 'found'; readonly isThere: boolean }
  | { readonly status: 'page'; readonly page: Page }
  | { readonly status: 'done' }
  | { readonly status: 'over-quota' | 'failed'; readonly message: string };

/** One guest's line to its stores. */
export interface StorePort {
  readonly port: MessagePort;
  /** One word, counting the answers. */
  readonly signal: SharedArrayBuffer;
}

/** Main thread to keeper: from now on `port` asks for these stores, in this folder, within these quotas. */
export interface Attach extends StorePort {
  readonly folder: string;
  readonly maxBytes: ReadonlyMap<string, number>;
}

/** A disk that takes longer than this is not waited for; the guest's own deadline mostly comes first. */
const PATIENCE_MS = 20_000;

/** Throws a `Refusal` when no answer comes: the instance is at its end then, and its next has a new port. */
export function askKeeper({ port, signal }: StorePort, request: Request): Reply {
  const word = new Int32Array(signal);
  const before = Atomics.load(word, 0);
  port.postMessage(request, []);
  Atomics.wait(word, 0, before, PATIENCE_MS);
  const answer: { message: Reply } | undefined = receiveMessageOnPort(port);
  if (answer !== undefined) return answer.message;
  throw new Refusal('disk', `The store ${request.store} did not answer.`, `keyvalue ${request.store}`);
}
