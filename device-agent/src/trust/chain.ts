/** One run of tuf-js over a folder of metadata, at one fixed instant, with its errors made faults. */
import { FaultError } from '@wafer/protocol';
import { Updater, type TargetFile } from 'tuf-js';
import { ExpiredMetadataError } from 'tuf-js/dist/error.js';
import type { Requests } from '../link/requests.ts';
import { reason } from '../log.ts';
import { METADATA_BASE_URL, MqttFetcher } from './fetcher.ts';
import { freezeTime } from './root.ts';

export interface Target {
  readonly path: string;
  readonly length: number;
  readonly sha256: string;
  readonly custom: unknown;
}

export class Chain {
  readonly #fetcher: MqttFetcher;
  readonly #updater: Updater;

  /** `cached`: verify what the folder holds, and ask the server for nothing that it has. */
  constructor(folder: string, requests: Pick<Requests, 'ask'>, at: number, cached = false) {
    this.#fetcher = new MqttFetcher(requests);
    this.#updater = new Updater({
      metadataDir: folder,
      metadataBaseUrl: METADATA_BASE_URL,
      fetcher: this.#fetcher,
      forceCache: cached,
    });
    freezeTime(Reflect.get(this.#updater, 'trustedSet'), at);
  }

  /** Root, timestamp, snapshot, targets, as TUF 1.0 clauses 5.3 to 5.6 order them. */
  async refresh(): Promise<void> {
    try {
      await this.#updater.refresh();
    } catch (error) {
      throw this.#fault(error);
    }
  }

  async target(path: string): Promise<Target | undefined> {
    let found: TargetFile | undefined;
    try {
      found = await this.#updater.getTargetInfo(path);
    } catch (error) {
      throw this.#fault(error);
    }
    if (found === undefined) return undefined;
    const { sha256 } = found.hashes;
    if (sha256 === undefined) throw new FaultError('signature', `${path} is signed without a SHA-256`, path);
    return { path: found.path, length: found.length, sha256, custom: found.custom };
  }

  /** tuf-js turns what fails below it into text, so the words are all there is to go by. */
  #fault(error: unknown): FaultError {
    if (error instanceof FaultError) return error;
    const cause = { cause: error };
    if (this.#fetcher.failure !== undefined) return this.#fetcher.failure;
    const what = reason(error);
    if (error instanceof ExpiredMetadataError || /\bis expired\b/.test(what)) {
      return new FaultError('expired', `the signed metadata is past its time: ${what}`, undefined, cause);
    }
    return new FaultError('signature', `the metadata does not verify: ${what}`, undefined, cause);
  }
}
