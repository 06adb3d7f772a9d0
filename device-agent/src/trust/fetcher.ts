/**
 * Where metadata comes from: on a board over MQTT (here), in the client for people and test suites
 * over HTTP (../tuf-client/http.ts). Whoever answers is not trusted: it may withhold, answer with
 * anything, or never come to an end, so every file has a bound.
 */
import { FaultError, MetadataName } from '@wafer/protocol';
import type { Requests } from '../link/requests.ts';

export interface Fetcher {
  /** A run begins with these versions. Whoever can brings what is newer at once, to be asked for below. */
  begin?(known: ReadonlyMap<string, number>): Promise<void>;
  /**
   * The bytes of one file; undefined when the server has none of that name. `version` is absent for
   * names without one (timestamp; all but root, where snapshots are not consistent). Rejects with a
   * `link` fault when nobody answers, with `signature` when the file is longer than `maxBytes`.
   */
  metadata(role: string, version: number | undefined, maxBytes: number): Promise<Buffer | undefined>;
}

export const tooLong = (name: string, maxBytes: number): FaultError =>
  new FaultError('signature', `${name} is longer than the ${maxBytes} bytes that it may have`, name);

/** Parts of one file: a server that hands out bytes singly is not waited for. */
const MAX_PARTS = 1000;

export class MqttFetcher implements Fetcher {
  readonly #requests: Pick<Requests, 'ask'>;

  /** What came unasked, by name; each is given once. Undefined is what the server does not have. */
  readonly #news = new Map<string, Buffer | undefined>();

  constructor(requests: Pick<Requests, 'ask'>) {
    this.#requests = requests;
  }

  /** One question in place of one for each file. A server that does not know it is asked for each. */
  async begin(known: ReadonlyMap<string, number>): Promise<void> {
    this.#news.clear();
    const answer = await this.#requests.ask({ want: 'news', known: Object.fromEntries(known) });
    if (answer.status === 'error') return;
    let at = 0;
    for (const { name, bytes } of answer.header.files ?? []) {
      this.#news.set(name, bytes === 0 ? undefined : answer.body.subarray(at, at + bytes));
      at += bytes;
    }
  }

  async metadata(role: string, version: number | undefined, maxBytes: number): Promise<Buffer | undefined> {
    const asked = version === undefined ? `${role}.json` : `${version}.${role}.json`;
    const parsed = MetadataName.safeParse(asked);
    if (!parsed.success) throw new FaultError('signature', `no metadata may have the name ${asked}`, asked);
    const name = parsed.data;
    if (this.#news.has(name)) {
      const told = this.#news.get(name);
      this.#news.delete(name);
      if (told !== undefined && told.length > maxBytes) throw tooLong(name, maxBytes);
      return told;
    }
    const parts: Buffer[] = [];
    let have = 0;
    let total: number | undefined;
    while (total === undefined || have < total) {
      const answer = await this.#requests.ask({ want: 'metadata', name, offset: have });
      if (answer.status === 'error') {
        if (answer.code !== 'invalid') return undefined;
        throw new FaultError('link', `the server does not give ${name}: ${answer.code}`, name);
      }
      if (total !== undefined && answer.header.total !== total) {
        throw new FaultError('link', `${name} changed while it was read`, name);
      }
      total = answer.header.total ?? 0;
      if (total > maxBytes) throw tooLong(name, maxBytes);
      have += answer.body.length;
      parts.push(answer.body);
      if (parts.length > MAX_PARTS) throw new FaultError('link', `${name} comes in crumbs`, name);
    }
    return Buffer.concat(parts);
  }
}

/** For a board that is off the net: every download is a `link` fault. */
export const offlineRequests: Pick<Requests, 'ask'> = {
  ask: () => Promise.reject(new FaultError('link', 'there is no connection to the server')),
};
