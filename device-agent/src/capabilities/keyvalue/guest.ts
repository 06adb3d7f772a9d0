/**
 * wasi:keyvalue — a guest's stores, as its grants name them. A store that none names is `access-denied`;
 * a quota that is reached is the draft's `other`. Both go on record, the latter as a `store-limit` fault
 * whose subject names store and quota.
 */
import { grantName } from '@wafer/protocol/grant-names';
import { Refusal, WitError, type Host } from '../host.ts';
import { askKeeper, type Reply, type Request, type StorePort } from './port.ts';
import { MAX_KEY_BYTES } from './records.ts';

type StoreError = { tag: 'no-such-store' | 'access-denied' } | { tag: 'other'; val: string };
type Asked<T> = T extends Request ? Omit<T, 'store'> : never;

/** Handles that a guest may hold at a time. */
const MAX_HELD_BUCKETS = 256;
const MAX_NAME_CHARACTERS = 100;

const other = (val: string): WitError<StoreError> => new WitError<StoreError>({ tag: 'other', val });

const unexpected = (reply: Reply): Error => new Error(`the keeper answered ${reply.status}`);

export function createKeyvalue(host: Host, stores: StorePort): Record<string, object> {
  const quotas = new Map(host.grants.keyvalue?.map(({ store, maxBytes }) => [store, maxBytes]));
  let held = 0;

  /** Puts it on record, and answers what to throw. */
  const overQuota = (store: string, quota: number, message: string): WitError<StoreError> => {
    const subject = `keyvalue ${store} (${quota} bytes)`;
    host.report(new Refusal('store-limit', `The store ${store} is over its quota: ${message}.`, subject));
    return other(`quota: ${message}`);
  };

  const checkKey = (key: string): void => {
    // A character takes a byte at least, so a long key costs no more than its length.
    const isLong = key.length > MAX_KEY_BYTES || Buffer.byteLength(key) > MAX_KEY_BYTES;
    if (key === '' || isLong) throw other(`a key has 1 to ${MAX_KEY_BYTES} bytes`);
  };

  class Bucket {
    readonly #store: string;
    readonly #quota: number;

    constructor(store: string, quota: number) {
      this.#store = store;
      this.#quota = quota;
    }

    /** The bindings call it when the guest drops its handle. */
    [Symbol.dispose](): void {
      held -= 1;
    }

    get(key: string): Uint8Array | undefined {
      checkKey(key);
      const reply = this.#ask({ ask: 'get', key });
      if (reply.status !== 'value') throw unexpected(reply);
      return reply.value;
    }

    set(key: string, value: Uint8Array): void {
      checkKey(key);
      if (value.length > this.#quota) {
        throw overQuota(
          this.#store,
          this.#quota,
          `a value of ${value.length} bytes is more than it may hold`,
        );
      }
      this.#ask({ ask: 'set', key, value });
    }

    delete(key: string): void {
      checkKey(key);
      this.#ask({ ask: 'delete', key });
    }

    exists(key: string): boolean {
      checkKey(key);
      const reply = this.#ask({ ask: 'exists', key });
      if (reply.status !== 'found') throw unexpected(reply);
      return reply.isThere;
    }

    listKeys(cursor: string | undefined): { keys: readonly string[]; cursor: string | undefined } {
      if (cursor !== undefined) checkKey(cursor);
      const reply = this.#ask({ ask: 'list', cursor });
      if (reply.status !== 'page') throw unexpected(reply);
      return reply.page;
    }

    #ask(request: Asked<Request>): Reply {
      host.used(grantName.keyvalue(this.#store));
      const reply = askKeeper(stores, { ...request, store: this.#store });
      if (reply.status === 'over-quota') throw overQuota(this.#store, this.#quota, reply.message);
      if (reply.status !== 'failed') return reply;
      const message = `The store ${this.#store} failed: ${reply.message}.`;
      host.report(new Refusal('disk', message, `keyvalue ${this.#store}`));
      // What the file system says may name paths of the board, which are no business of the guest.
      throw other('the store failed');
    }
  }

  const open = (identifier: string): Bucket => {
    const quota = quotas.get(identifier);
    if (quota === undefined) {
      const subject = `keyvalue ${identifier.slice(0, MAX_NAME_CHARACTERS)}`;
      host.report(
        new Refusal('capability-denied', `The guest opened ${subject}, which no grant names.`, subject),
      );
      throw new WitError<StoreError>({ tag: 'access-denied' });
    }
    if (held >= MAX_HELD_BUCKETS) throw other(`${MAX_HELD_BUCKETS} handles are held already`);
    held += 1;
    return new Bucket(identifier, quota);
  };

  return { 'wasi:keyvalue/store': { open, Bucket } };
}
