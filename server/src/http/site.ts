/**
 * How browsers reach the dashboard, and what cookies may do there.
 *
 * Without a public address that is plain HTTP on loopback. With one (WAFER_PUBLIC_URL), a proxy that
 * ends TLS stands in front: cookies are then Secure and carry the prefix `__Host-`, which browsers
 * take from this very host over TLS alone, so neither a page on plain HTTP nor a neighbour below
 * the same domain can plant one (RFC 6265bis, 4.1.3.2).
 */
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config.ts';

const HSTS = `max-age=${365 * 24 * 3600}`;

/** What every cookie of ours is called and carries. */
export interface CookieRules {
  readonly prefix: string;
  readonly isSecure: boolean;
}

export function cookieRules({ publicUrl }: Pick<Config, 'publicUrl'>): CookieRules {
  const isSecure = publicUrl?.startsWith('https:') === true;
  return { prefix: isSecure ? '__Host-wafer' : 'wafer', isSecure };
}

export const sessionCookie = ({ prefix }: CookieRules): string => `${prefix}.session_token`;

/** The value of a cookie in a `Cookie` header. `name` is one of ours, so it holds no `;` and no `=`. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  const start = `${name}=`;
  const found = (header ?? '').split(/; */).find((pair) => pair.startsWith(start));
  return found?.slice(start.length);
}

/**
 * HSTS where TLS stands in front (RFC 6797). Not on the listener for devices: the name in its
 * certificate may be `localhost`, whose other ports are plain HTTP.
 */
export function insistOnTls(app: FastifyInstance, { isSecure }: CookieRules): void {
  if (!isSecure) return;
  app.addHook('onRequest', async (request, reply) => {
    if (!('encrypted' in request.raw.socket)) void reply.header('strict-transport-security', HSTS);
  });
}
