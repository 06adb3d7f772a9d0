/** Metadata and targets over HTTP, never more of either than was allowed for. */
import { FaultError } from '@wafer/protocol';
import { reason } from '../log.ts';
import { tooLong, type Fetcher } from '../trust/fetcher.ts';

const TIMEOUT_MS = 30_000;

/** A repository's metadata under `base`. */
export function httpFetcher(base: string): Fetcher {
  return {
    metadata: (role, version, maxBytes) => {
      const prefix = version === undefined ? '' : `${version}.`;
      return download(`${trimmed(base)}/${prefix}${encodeURIComponent(role)}.json`, maxBytes);
    },
  };
}

/** A path below `base`; its parts are data, not URL. */
export const urlOf = (base: string, path: string): string =>
  `${trimmed(base)}/${path.split('/').map(encodeURIComponent).join('/')}`;

const trimmed = (base: string): string => base.replace(/\/+$/, '');

/** Undefined when there is no such file. Rejects with `link`, or with `signature` beyond the bound. */
export async function download(url: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status === 404 || response.status === 403) {
      await response.body?.cancel();
      return undefined;
    }
    if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
    return await bounded(url, response.body, maxBytes);
  } catch (error) {
    if (error instanceof FaultError) throw error;
    throw new FaultError('link', `${url} could not be read: ${reason(error)}`, url, { cause: error });
  }
}

async function bounded(url: string, body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let have = 0;
  for await (const part of body) {
    have += part.length;
    if (have > maxBytes) throw tooLong(url, maxBytes);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
