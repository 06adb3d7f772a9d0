/**
 * What publishers signed, as far as this board can verify it (TUF 1.0).
 *
 * Parties: publishers hold root, targets and one role for each app, offline; the server holds
 * snapshot and timestamp, online; the broker and the network hold nothing. Whoever owns the server
 * can withhold and can freeze until the timestamp expires, but cannot make a target.
 *
 * `refresh` brings the chain up to date and keeps it (metadata.ts); `offline` verifies what is on
 * disk as of the instant at which it last verified online, so a board without network still knows
 * what is genuine. Both hand a `TargetView` to the caller, which is valid only meanwhile.
 *
 * Faults: `link` when the server did not answer, `expired` when something is signed but past its
 * time, `signature` for everything else that does not verify.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Digest, DIRECTOR_KEYS_TARGET, DirectorKeys, FaultError } from '@wafer/protocol';
import { decodeChunk } from '../link/chunk.ts';
import type { FloorClock } from '../link/clock.ts';
import type { Requests } from '../link/requests.ts';
import { replaceFile } from '../state/durable.ts';
import type { Target, Verifier, VerifierOf } from './chain.ts';
import { MqttFetcher, offlineRequests } from './fetcher.ts';
import type { MetadataStore } from './generations.ts';
import { TrustedMetadata } from './metadata.ts';

export interface TargetView {
  /** What publishers signed under this path; undefined when they signed nothing. */
  target(path: string): Promise<Target | undefined>;
  /** Who may sign desired state. */
  directorKeys(): Promise<DirectorKeys>;
  /** When the first of all that was asked for so far is past its time, ms since 1970. */
  expires(): number;
}

export interface TrustOptions {
  /** The agent's data folder; its trust/factory-root.json must exist. */
  readonly folder: string;
  readonly requests: Pick<Requests, 'ask'>;
  readonly clock: FloorClock;
  /** Instead of the generations in the folder, and of a chain for each run. */
  readonly store?: MetadataStore | undefined;
  readonly verifierOf?: VerifierOf | undefined;
}

export class Trust {
  readonly #options: TrustOptions;
  readonly #metadata: TrustedMetadata;

  private constructor(options: TrustOptions, metadata: TrustedMetadata) {
    this.#options = options;
    this.#metadata = metadata;
  }

  static async open(options: TrustOptions): Promise<Trust> {
    const { requests, ...rest } = options;
    return new Trust(options, await TrustedMetadata.open({ ...rest, fetcher: new MqttFetcher(requests) }));
  }

  /** One at a time. What verified is kept even when `use` rejects, for then it is not to blame. */
  refresh<T>(use: (view: TargetView) => Promise<T>): Promise<T> {
    return this.#metadata.refresh((chain) => use(this.#view(chain, this.#options.requests)));
  }

  /** Rejects with a `link` fault when nothing on disk verifies. */
  offline<T>(use: (view: TargetView) => Promise<T>): Promise<T> {
    return this.#metadata.offline((chain) => use(this.#view(chain, offlineRequests)));
  }

  #view(chain: Verifier, requests: Pick<Requests, 'ask'>): TargetView {
    return {
      target: (path) => chain.target(path),
      directorKeys: () => this.#directorKeys(chain, requests),
      expires: () => chain.expires,
    };
  }

  /** The keys stand in the target's signed `custom`; else its content is fetched, and checked. */
  async #directorKeys(chain: Verifier, requests: Pick<Requests, 'ask'>): Promise<DirectorKeys> {
    const target = await chain.target(DIRECTOR_KEYS_TARGET);
    if (target === undefined) throw new FaultError('signature', 'publishers signed no director keys');
    const inline = DirectorKeys.safeParse(target.custom);
    if (inline.success) return inline.data;
    const content = await this.#smallTarget(target, requests);
    const keys = DirectorKeys.safeParse(JSON.parse(content.toString('utf8')));
    if (!keys.success) throw new FaultError('signature', 'the director keys are not understood');
    return keys.data;
  }

  /** Content of a target that fits in one chunk; kept by its hash. */
  async #smallTarget(target: Target, requests: Pick<Requests, 'ask'>): Promise<Buffer> {
    const path = join(this.#options.folder, 'trust', 'small', target.sha256);
    const isIt = (bytes: Buffer) =>
      bytes.length === target.length && createHash('sha256').update(bytes).digest('hex') === target.sha256;
    const cached = await readFile(path).catch(() => Buffer.alloc(0));
    if (isIt(cached)) return cached;
    const answer = await requests.ask({ want: 'chunk', digest: Digest.parse(target.sha256), index: 0 });
    if (answer.status === 'error') {
      throw new FaultError('link', `the server does not give ${target.path}: ${answer.code}`, target.path);
    }
    const bytes = decodeChunk(answer.body, answer.header.encoding);
    if (bytes === undefined || !isIt(bytes)) {
      throw new FaultError('digest', `${target.path} is not what publishers signed`, target.path);
    }
    await replaceFile(path, bytes);
    return bytes;
  }
}
