/**
 * Metadata over MQTT for tuf-js: a URL's last part is the name that is asked for. tuf-js wraps what
 * fails here into text, so the fault that caused it is kept in `failure`.
 */
import { FaultError, MetadataName } from '@wafer/protocol';
import { BaseFetcher } from 'tuf-js';
import { DownloadHTTPError, DownloadLengthMismatchError } from 'tuf-js/dist/error.js';
import type { Requests } from '../link/requests.ts';

export const METADATA_BASE_URL = 'mqtt://metadata/';

export class MqttFetcher extends BaseFetcher {
  readonly #requests: Pick<Requests, 'ask'>;
  #failure: FaultError | undefined;

  constructor(requests: Pick<Requests, 'ask'>) {
    super();
    this.#requests = requests;
  }

  /** Why the link, rather than what came over it, was the trouble. */
  get failure(): FaultError | undefined {
    return this.#failure;
  }

  override async fetch(url: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const bytes = await this.downloadBytes(url, Number.MAX_SAFE_INTEGER);
    return new Blob([new Uint8Array(bytes)]).stream();
  }

  /** Straight into memory: the base class goes through a temporary file, which wears flash. */
  override async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    const name = MetadataName.safeParse(decodeURIComponent(new URL(url).pathname.slice(1)));
    if (!name.success) throw new DownloadHTTPError(`no metadata has the name in ${url}`, 404);
    try {
      return await this.#download(name.data, maxLength);
    } catch (error) {
      if (error instanceof FaultError) this.#failure = error;
      throw error;
    }
  }

  async #download(name: MetadataName, maxLength: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let have = 0;
    let total: number | undefined;
    while (total === undefined || have < total) {
      const answer = await this.#requests.ask({ want: 'metadata', name, offset: have });
      if (answer.status === 'error') {
        // TUF 1.0, 5.3.3: that the next root is missing ends the search for newer ones.
        if (/^\d+\.root\.json$/.test(name)) throw new DownloadHTTPError(`${name}: ${answer.code}`, 404);
        throw new FaultError('link', `the server does not give ${name}: ${answer.code}`, name);
      }
      if (total !== undefined && answer.header.total !== total) {
        throw new FaultError('link', `${name} changed while it was read`, name);
      }
      total = answer.header.total ?? 0;
      if (total > maxLength) throw new DownloadLengthMismatchError(`${name} is over ${maxLength} bytes`);
      have += answer.body.length;
      parts.push(answer.body);
    }
    return Buffer.concat(parts);
  }
}

/** For a board that is off the net: every download is a `link` fault. */
export const offlineRequests: Pick<Requests, 'ask'> = {
  ask: () => Promise.reject(new FaultError('link', 'there is no connection to the server')),
};
