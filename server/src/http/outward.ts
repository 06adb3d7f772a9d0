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
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { Seconds } from '@wafer/protocol';

const ANSWER_BYTES = 1024 * 1024;
const PATIENCE = Seconds(10);

/** Special-purpose addresses (RFC 6890), and those that carry an IPv4 address inside. */
const INWARD = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  INWARD.addSubnet(net, bits, 'ipv4');
for (const [net, bits] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  INWARD.addSubnet(net, bits, 'ipv6');

/** Whether an address (no name) is none of the public network. */
export const isInward = (address: string): boolean =>
  INWARD.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

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
    const inward = addresses?.find(({ address }) => isInward(address));
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
  if (!isAllowed && isIP(address) !== 0 && isInward(address)) throw refusal(host, address);
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
