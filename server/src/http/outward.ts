/**
 * Requests that the server makes to an address which a setting, or another server's document, names
 * (server-side request forgery, CWE-918). They reach the public network only: an address that is
 * loopback, private, link-local or reserved is refused unless the operator named its host in
 * WAFER_PRIVATE_HOSTS. What is checked is the address that the socket connects to, so a name that
 * resolves to something else the second time gains nothing. Redirects are not followed, and an answer
 * is bounded in size and in time.
 */
import { lookup as resolve, type LookupAddress } from 'node:dns';
import { request as plain, type IncomingMessage } from 'node:http';
import { request as secure } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { Seconds } from '@wafer/protocol';
import { isPublic } from '@wafer/protocol/addresses';

const ANSWER_BYTES = 1024 * 1024;
const PATIENCE = Seconds(10);

/** The request was not made. */
export class OutwardRefused extends Error {
  override readonly name = 'OutwardRefused';
}

interface OutwardRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Outward = (url: string, request?: OutwardRequest) => Promise<Response>;

const refusal = (host: string, address: string): OutwardRefused =>
  new OutwardRefused(
    `${host} is ${address}, inside this network: name it in WAFER_PRIVATE_HOSTS to allow it`,
  );

const publicLookup: LookupFunction = (host, options, done) => {
  resolve(host, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    const [first] = addresses ?? [];
    const inward = addresses?.find(({ address }) => !isPublic(address));
    if (error !== null) done(error, '');
    else if (inward !== undefined) done(refusal(host, inward.address), '');
    else if (options.all === true) done(null, addresses);
    else done(null, first?.address ?? '', first?.family);
  });
};

/** Throws OutwardRefused for what must not even be looked up. */
function check({ protocol, host, hostname, username, password }: URL, isAllowed: boolean): void {
  if (protocol !== 'https:' && !(protocol === 'http:' && isAllowed))
    throw new OutwardRefused(`${protocol}//${host} is not https`);
  if (username !== '' || password !== '')
    throw new OutwardRefused(`${host} comes with a password in its URL`);
  const address = hostname.replace(/^\[|\]$/g, '');
  if (!isAllowed && isIP(address) !== 0 && !isPublic(address)) throw refusal(host, address);
}

async function readBounded(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > ANSWER_BYTES) throw new OutwardRefused(`the answer is over ${ANSWER_BYTES} octets`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function headersOf(response: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(response.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  return headers;
}

/** `privateHosts` are `host` or `host:port`, as they stand in a URL. */
export function outwardFetch(privateHosts: readonly string[]): Outward {
  const allowed = new Set(privateHosts.map((host) => host.toLowerCase()));
  return async (to, { method = 'GET', headers = {}, body, signal } = {}) => {
    const url = new URL(to);
    const isAllowed = allowed.has(url.host) || allowed.has(url.hostname);
    check(url, isAllowed);
    const limit = AbortSignal.timeout(PATIENCE);
    const options = {
      method,
      headers,
      // A connection of its own: none that was checked for somebody else.
      agent: false as const,
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      ...(isAllowed ? {} : { lookup: publicLookup }),
    };
    const response = await new Promise<IncomingMessage>((answer, fail) => {
      const asked = (url.protocol === 'https:' ? secure : plain)(url, options);
      asked.once('response', answer).once('error', fail).end(body);
    });
    const bytes = await readBounded(response);
    const status = response.statusCode ?? 502;
    const isEmpty = status === 204 || status === 205 || status === 304;
    return new Response(isEmpty ? null : new Uint8Array(bytes), { status, headers: headersOf(response) });
  };
}
