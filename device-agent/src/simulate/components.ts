/**
 * Components of all devices of one process: downloaded once for each digest, by whoever wants it first and
 * with that device's requests, checked chunk by chunk and as a whole as on any board (apps/fetch.ts), and
 * kept in one folder. Others who want the same digest by the same signed list of chunks wait for that.
 */
import { isDeepStrictEqual } from 'node:util';
import { FaultError, type Digest } from '@wafer/protocol';
import { fetchBlob, type FetchContext, type Wanted } from '../apps/fetch.ts';
import { BlobStore, type Components } from '../apps/store.ts';
import type { Ground } from '../ground.ts';

interface Shared {
  readonly chunks: Wanted['chunks'];
  readonly bytes: Promise<Buffer>;
}

export class SharedComponents {
  readonly #store: BlobStore;
  readonly #shared = new Map<Digest, Shared>();

  private constructor(store: BlobStore) {
    this.#store = store;
  }

  static async open(folder: string): Promise<SharedComponents> {
    return new SharedComponents(await BlobStore.open(folder));
  }

  /** For one device, which holds `held` from an earlier run. */
  of(held: readonly Digest[]): Ground['components'] {
    const own = new Set(held);
    const store: Components = {
      has: async (digest) => own.has(digest) && (this.#shared.has(digest) || (await this.#store.has(digest))),
      read: (digest) => this.#shared.get(digest)?.bytes ?? this.#store.read(digest),
      prune: (keep) => {
        for (const digest of own) if (!keep.has(digest)) own.delete(digest);
        return Promise.resolve();
      },
    };
    const fetch = async (wanted: Wanted, context: FetchContext): Promise<void> => {
      await this.#bring(wanted, context);
      context.onVerifying?.();
      own.add(wanted.digest);
    };
    return { store, fetch };
  }

  async #bring(wanted: Wanted, context: FetchContext): Promise<void> {
    const { digest, chunks } = wanted;
    for (let known = this.#shared.get(digest); known !== undefined; known = this.#shared.get(digest)) {
      if (!isDeepStrictEqual(known.chunks, chunks)) {
        throw new FaultError('digest', 'the signed lists of chunks differ for one component', digest);
      }
      const isThere = await known.bytes.then(
        () => true,
        () => false,
      );
      if (isThere) return;
      context.signal?.throwIfAborted();
    }
    const bytes = this.#download(wanted, context);
    this.#shared.set(digest, { chunks, bytes });
    bytes.catch(() => this.#shared.delete(digest));
    await bytes;
  }

  async #download(wanted: Wanted, { requests, signal }: FetchContext): Promise<Buffer> {
    const store = this.#store;
    if (!(await store.has(wanted.digest))) {
      await fetchBlob(wanted, { store, requests, ...(signal === undefined ? {} : { signal }) });
    }
    return store.read(wanted.digest);
  }
}
