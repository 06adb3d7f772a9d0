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
  /** Two words: one counts the answers, the other says what the stores hold, bytes. */
  readonly signal: SharedArrayBuffer;
}

const ANSWERS = 0;
const HELD = 1;

export const createSignal = (): StorePort['signal'] =>
  new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);

/** The keeper's side: an answer lies in the port. */
export function tellAnswered(signal: StorePort['signal']): void {
  const words = new Int32Array(signal);
  Atomics.add(words, ANSWERS, 1);
  Atomics.notify(words, ANSWERS);
}

export const tellHeld = (signal: StorePort['signal'], bytes: number): void =>
  void Atomics.store(new Int32Array(signal), HELD, bytes);

/** Keys and values in the stores of this line, bytes; 0 until the keeper has opened them. */
export const heldBytes = (signal: StorePort['signal']): number => Atomics.load(new Int32Array(signal), HELD);

/** Main thread to keeper: from now on `port` asks for these stores, in this folder, within these quotas. */
export interface Attach extends StorePort {
  readonly folder: string;
  readonly maxBytes: ReadonlyMap<string, number>;
}

/** A disk that takes longer than this is not waited for; the guest's own deadline mostly comes first. */
const PATIENCE_MS = 20_000;

/** Throws a `Refusal` when no answer comes: the instance is at its end then, and its next has a new port. */
export function askKeeper({ port, signal }: StorePort, request: Request): Reply {
  const words = new Int32Array(signal);
  const before = Atomics.load(words, ANSWERS);
  port.postMessage(request, []);
  Atomics.wait(words, ANSWERS, before, PATIENCE_MS);
  const answer: { message: Reply } | undefined = receiveMessageOnPort(port);
  if (answer !== undefined) return answer.message;
  throw new Refusal('disk', `The store ${request.store} did not answer.`, `keyvalue ${request.store}`);
}
