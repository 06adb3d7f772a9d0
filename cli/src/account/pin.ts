/**
 * Trust on a fingerprint: a server with a CA of its own is believed when a certificate in the chain
 * that it presents has the SHA-256 that the person was told. That certificate is then kept, and
 * every later connection verifies against it in the ordinary way.
 */
import { WaferError } from '@wafer/protocol';
import { X509Certificate } from 'node:crypto';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { isIP } from 'node:net';

const CONNECT_TIMEOUT_MS = 10_000;

/** Hexadecimal with or without colons, or the base64url that a claim token carries. */
export function parseFingerprint(text: string): string {
  const hex = text.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(hex)) return hex;
  if (/^[A-Za-z0-9_-]{43}$/.test(text)) return Buffer.from(text, 'base64url').toString('hex');
  throw new WaferError('cli.usage', 'a SHA-256 is 64 hexadecimal digits, or 43 characters of base64url');
}

/** PEM of the certificate in the server's chain whose DER hashes to `fingerprint`. */
export async function pinnedCa(api: string, fingerprint: string): Promise<string> {
  const found = chainOf(await presentedBy(new URL(api))).find(
    (certificate) => certificate.fingerprint256.replaceAll(':', '').toLowerCase() === fingerprint,
  );
  if (found === undefined)
    throw new WaferError('auth.forbidden', `${api} presents no certificate with the SHA-256 ${fingerprint}`);
  return new X509Certificate(found.raw).toString();
}

function presentedBy(url: URL): Promise<DetailedPeerCertificate> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((settle, reject) => {
    const fail = (reason: string) =>
      reject(new WaferError('server.unreachable', `cannot reach ${url.origin}: ${reason}`));
    // Nothing is sent on this connection; what it presents is judged by its hash alone.
    const socket = connect({
      host,
      port: Number(url.port || 443),
      rejectUnauthorized: false,
      ...(isIP(host) ? {} : { servername: host }),
    });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => {
      socket.destroy();
      fail('no answer');
    });
    socket.once('error', (error) => fail(error.message));
    socket.once('secureConnect', () => {
      const presented = socket.getPeerCertificate(true);
      socket.destroy();
      settle(presented);
    });
  });
}

/** Leaf first; a self-signed certificate is its own issuer and ends the chain. */
function chainOf(leaf: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain: DetailedPeerCertificate[] = [];
  for (let next: DetailedPeerCertificate | undefined = leaf; next?.raw && chain.length < 10;) {
    chain.push(next);
    const issuer: DetailedPeerCertificate | undefined = next.issuerCertificate;
    next = issuer && issuer.fingerprint256 !== next.fingerprint256 ? issuer : undefined;
  }
  return chain;
}
