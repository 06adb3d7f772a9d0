/**
 * Brings verified metadata up to date and keeps it: one run of the workflow (chain.ts) over what is
 * on disk (generations.ts). It knows nothing of boards: the agent's updater (updater.ts) and the
 * client for people and test suites (../tuf-client) are both built on it.
 */
import { FaultError, RoleName } from '@wafer/protocol';
import { z } from 'zod';
import type { FloorClock } from '../link/clock.ts';
import { Chain, type Files, type Verifier, type VerifierOf } from './chain.ts';
import { MqttFetcher, offlineRequests, type Fetcher } from './fetcher.ts';
import { Generations, type MetadataStore } from './generations.ts';

export interface MetadataOptions {
  /** Its trust/factory-root.json must exist. */
  readonly folder: string;
  readonly fetcher: Fetcher;
  readonly clock: FloorClock;
  /** Instead of the generations in the folder. */
  readonly store?: MetadataStore | undefined;
  /** Instead of a chain for each run. */
  readonly verifierOf?: VerifierOf | undefined;
}

const Versioned = z.object({ signed: z.object({ version: z.number().int().min(0) }) });

function jsonOf(file: Buffer): unknown {
  try {
    return JSON.parse(file.toString('utf8'));
  } catch {
    return undefined;
  }
}

const chainOf: VerifierOf = (files, fetcher, at) => new Chain(files, fetcher, at);

export class TrustedMetadata {
  readonly #options: MetadataOptions;
  readonly #generations: MetadataStore;
  readonly #verifierOf: VerifierOf;
  #refreshing: Promise<unknown> = Promise.resolve();

  private constructor(options: MetadataOptions, generations: MetadataStore) {
    this.#options = options;
    this.#generations = generations;
    this.#verifierOf = options.verifierOf ?? chainOf;
  }

  static async open(options: MetadataOptions): Promise<TrustedMetadata> {
    return new TrustedMetadata(options, options.store ?? (await Generations.open(options.folder)));
  }

  /** What verified last, be it all or as far as it got. */
  async files(): Promise<Files> {
    return (await this.#generations.base()).files;
  }

  /** One at a time. What verified is kept even when `use` rejects, for then it is not to blame. */
  refresh<T>(use: (chain: Verifier) => Promise<T>): Promise<T> {
    const done = this.#refreshing.then(() => this.#refresh(use));
    this.#refreshing = done.catch(() => {});
    return done;
  }

  async #refresh<T>(use: (chain: Verifier) => Promise<T>): Promise<T> {
    const { fetcher, clock } = this.#options;
    const now = clock.now();
    const base = await this.#generations.base();
    await fetcher.begin?.(versionsOf(base.files));
    const chain = this.#verifierOf(base.files, fetcher, now);
    try {
      await chain.refresh();
    } catch (error) {
      // Should the disk refuse as well, the next refresh starts from where this one did.
      await this.#generations.save(chain.files, base).catch(() => {});
      throw error;
    }
    const outcome = await settle(use(chain));
    await this.#generations.save(chain.files, base, now);
    await clock.verified(now);
    return unwrap(outcome);
  }

  /** By what is on disk, as of when it verified. Rejects with `link` when that is nothing. */
  async offline<T>(use: (chain: Verifier) => Promise<T>): Promise<T> {
    const whole = await this.#generations.newestWhole();
    if (whole === undefined) {
      throw new FaultError('link', 'no verified metadata is on disk, and there is no connection yet');
    }
    const chain = this.#verifierOf(whole.files, new MqttFetcher(offlineRequests), whole.verifiedAt);
    await chain.verifyFiles();
    return use(chain);
  }
}

/** The files stay in memory between refreshes, and are parsed once. */
const versions = new WeakMap<Buffer, number>();

/** What the file says of itself; 0 where it is rotten, which the chain finds out. */
function versionOf(file: Buffer): number {
  const held = versions.get(file);
  if (held !== undefined) return held;
  const parsed = Versioned.safeParse(jsonOf(file));
  const version = parsed.success ? parsed.data.signed.version : 0;
  versions.set(file, version);
  return version;
}

const versionsOf = (files: Files): Map<string, number> =>
  new Map(
    [...files]
      .filter(([role]) => RoleName.safeParse(role).success)
      .map(([role, file]) => [role, versionOf(file)]),
  );

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

const settle = <T>(promise: Promise<T>): Promise<Outcome<T>> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

function unwrap<T>(outcome: Outcome<T>): T {
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}
