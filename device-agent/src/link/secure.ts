/**
 * A TLS connection to the fleet server, given out only once it is judged: nothing is sent to anyone
 * else, not even a CONNECT. Trusts one CA, the one that the board was enrolled with.
 *
 * TLS judges certificates by the system's clock, and a board without one starts in 1970, when no
 * certificate is valid yet. Then the chain is judged here, by all that TLS asks but one: a clock
 * that is only known to be *not earlier* than something (clock.ts) can say that a certificate has
 * expired, never that it is not valid yet. Without this, such a board could never ask for the time.
 */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { systemClock, type Clock } from '@wafer/protocol';

export interface SecureOptions {
  readonly host: string;
  readonly port: number;
  /** PEM of the one CA that is trusted. */
  readonly ca: string;
  /** The server's certificate must bear one of them. */
  readonly names: readonly string[];
  /** PEM; what this board shows of itself. */
  readonly identity?: { readonly key: string; readonly certificate: string } | undefined;
  /** Never later than the true time. */
  readonly clock: Clock;
  /** What TLS goes by. */
  readonly system?: Clock;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

/** SNI carries names only (RFC 6066, section 3). */
const serverName = (host: string): { servername?: string } => (isIP(host) === 0 ? { servername: host } : {});

/** Rejects with what is wrong with the connection or the certificate, or with the signal's reason. */
export function openSecure(options: SecureOptions): Promise<TLSSocket> {
  const { host, port, ca, identity, timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      ca,
      ...(identity === undefined ? {} : { key: identity.key, cert: identity.certificate }),
      ...serverName(host),
      // Judged below, before anything is sent.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    const settle = (): void => {
      clearTimeout(late);
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener('error', fail).removeListener('close', onClose);
    };
    const fail = (error: Error): void => {
      settle();
      // What it has to say after that is nobody's business any more.
      socket.on('error', () => undefined).destroy();
      reject(error);
    };
    const onAbort = (): void => fail(signal?.reason as Error);
    const late = setTimeout(() => fail(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    const onClose = (): void => fail(new Error('the connection was closed'));
    socket.once('error', fail);
    socket.once('close', onClose);
    socket.once('secureConnect', () => {
      const refusal = refusalOf(socket, options);
      if (refusal !== undefined) return fail(new Error(refusal));
      settle();
      resolve(socket);
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted === true) onAbort();
  });
}

/** RFC 6125: by subject alternative names alone. */
const bears = (leaf: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? leaf.checkHost(name, { subject: 'never' }) : leaf.checkIP(name)) !== undefined;

function refusalOf(socket: TLSSocket, options: SecureOptions): string | undefined {
  const { ca, names, clock, system = systemClock } = options;
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return 'the server showed no certificate';
  if (!socket.authorized) {
    const floor = clock.now();
    const isClockWrong = system.now() < floor;
    const refusal = isClockWrong ? judgeWithoutClock(leaf, ca, floor) : String(socket.authorizationError);
    if (refusal !== undefined) return `the server's certificate is refused: ${refusal}`;
  }
  if (names.some((name) => bears(leaf, name))) return undefined;
  return `the server's certificate is for ${leaf.subjectAltName ?? 'no name'}, not for ${names.join(' or ')}`;
}

/** RFC 5280, 6.1, for a chain of two, without "not before". Undefined when nothing speaks against it. */
function judgeWithoutClock(leaf: X509Certificate, caPem: string, floorMs: number): string | undefined {
  const ca = new X509Certificate(caPem);
  if (!leaf.checkIssued(ca) || !leaf.verify(ca.publicKey)) return 'our authority did not sign it';
  if (leaf.ca) return 'it is an authority, not a server';
  const uses = leaf.keyUsage as readonly string[] | undefined;
  if (uses !== undefined && uses.length > 0 && !uses.includes(SERVER_AUTH)) return 'it is not for a server';
  if (Math.min(leaf.validToDate.getTime(), ca.validToDate.getTime()) < floorMs) return 'it has expired';
  return undefined;
}
