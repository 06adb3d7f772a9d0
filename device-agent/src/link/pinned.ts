/**
 * HTTPS to a server that is known only by the hash of its CA.
 *
 * Attacker: whoever sits between the board and the server. A first handshake, over which nothing is
 * sent, only shows the chain; its self-signed end must have the pinned hash. The request then goes
 * over a second connection that trusts that certificate and nothing else and checks the server's
 * name, so a chain that was merely shown is of no use to anyone who lacks the leaf's key.
 */
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { WaferError, type Clock } from '@wafer/protocol';
import { openSecure, type SecureOptions } from './secure.ts';

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

const toPem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n').trim()}\n-----END CERTIFICATE-----\n`;

/** SNI carries names only (RFC 6066, section 3). */
const serverName = (host: string): { servername?: string } => (isIP(host) === 0 ? { servername: host } : {});

const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');

const portOf = (url: URL): number => Number(url.port === '' ? 443 : url.port);

function presentedChain(url: URL): Promise<Buffer[]> {
  const host = hostOf(url);
  return new Promise((resolve, reject) => {
    // Nothing is sent on this connection, so it may be open to anyone.
    const socket = connect({ host, port: portOf(url), rejectUnauthorized: false, ...serverName(host) });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(TIMEOUT_MS, () => fail(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      const chain: Buffer[] = [];
      let link: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
      while (link?.raw !== undefined && !chain.some((der) => der.equals(link!.raw))) {
        chain.push(link.raw);
        link = link.issuerCertificate;
      }
      socket.destroy();
      resolve(chain);
    });
  });
}

/** The PEM of the CA whose DER hashes to `pin` (base64url); `claim.wrong-server` when it is not there. */
export async function pinnedCa(url: URL, pin: string): Promise<string> {
  let chain: Buffer[];
  try {
    chain = await presentedChain(url);
  } catch (error) {
    throw new WaferError(
      'server.unavailable',
      `${url.origin} cannot be reached: ${(error as Error).message}`,
    );
  }
  const ca = chain.find((der) => createHash('sha256').update(der).digest('base64url') === pin);
  if (ca === undefined) {
    throw new WaferError(
      'claim.wrong-server',
      `${url.origin} does not show the certificate authority that the token names; check the address, or get a token from that server`,
    );
  }
  return toPem(ca);
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

export interface PostOptions {
  /** PEM of the one CA that is trusted. */
  readonly ca: string;
  readonly clock: Clock;
  /** What the board shows of itself. */
  readonly identity?: SecureOptions['identity'];
}

/** POSTs JSON over TLS that trusts `ca` alone. Rejects with the connection's error. */
export async function postJson(url: URL, body: unknown, options: PostOptions): Promise<HttpAnswer> {
  const payload = JSON.stringify(body);
  const host = hostOf(url);
  const place = { host, port: portOf(url), names: [host], timeoutMs: TIMEOUT_MS };
  const socket = await openSecure({ ...place, ...options });
  return new Promise((resolve, reject) => {
    const call = request(
      {
        method: 'POST',
        path: url.pathname,
        createConnection: () => socket,
        timeout: TIMEOUT_MS,
        headers: {
          host: url.host,
          connection: 'close',
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(payload),
        },
      },
      (answer) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes > MAX_ANSWER_BYTES) call.destroy(new Error('the answer is too long'));
          else parts.push(part);
        });
        answer.on('error', reject);
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }),
        );
      },
    );
    call.on('timeout', () => call.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    call.on('error', reject);
    call.end(payload);
  });
}
