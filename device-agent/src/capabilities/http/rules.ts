/**
 * What the grant `http` says of a request and of the addresses that its host's name leads to. Every
 * request is judged by itself: nothing here follows a redirect, so a guest that wants to has to ask anew.
 */
import { isIP } from 'node:net';
import type { HttpGrant } from '@wafer/protocol';
import { hostCovers, httpPort } from '@wafer/protocol/http';
import { blocks, isNamed, isPublic, unmapped } from '@wafer/protocol/addresses';

/** Where a request goes. `host` is in lower case, an IPv6 address in its canonical form without brackets. */
export interface Target {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

const LOOPBACK = ['127.0.0.0/8', '::1'];

const AUTHORITY = /^(\[[0-9a-f]*:[0-9a-f:.]*\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/;
const MAX_AUTHORITY_CHARACTERS = 262;

/** Every spelling of an IPv6 address as one. */
function canonical(host: string): string | undefined {
  if (!host.includes(':')) return host;
  return URL.parse(`http://[${host}]/`)?.hostname.slice(1, -1);
}

/** `host` or `host:port`; undefined for anything else, a user's name in it for one. */
export function parseTarget(scheme: Target['scheme'], authority: string): Target | undefined {
  if (authority.length > MAX_AUTHORITY_CHARACTERS) return undefined;
  const [, spelled, digits] = AUTHORITY.exec(authority.toLowerCase()) ?? [];
  const host = spelled === undefined ? undefined : canonical(spelled.replace(/^\[|\]$/g, ''));
  const port = digits === undefined ? httpPort({ scheme }) : Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { scheme, host, port };
}

const inUrl = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** For people, and the subject of faults: `http GET https://api.example.org:443`. */
export const describeUse = (method: string, { scheme, host, port }: Target): string =>
  `http ${method} ${scheme}://${inUrl(host)}:${port}`;

/** The subject of a denied address: `http https://api.example.org → 10.0.0.7`. */
export const describeAddress = ({ scheme, host }: Target, address: string): string =>
  `http ${scheme}://${inUrl(host)} → ${address}`;

/** The grants that allow this request; none when it is denied. Methods are told apart by case (RFC 9110, 9.1). */
export const covering = (grants: readonly HttpGrant[], method: string, target: Target): HttpGrant[] =>
  grants.filter(
    (grant) =>
      grant.scheme === target.scheme &&
      httpPort(grant) === target.port &&
      hostCovers(canonical(grant.host) ?? grant.host, target.host) &&
      grant.methods.some((each) => each === method),
  );

/** What a grant names besides public addresses: its own list; a literal address and `localhost` name themselves. */
function namedBy({ host, addresses = [] }: HttpGrant): readonly string[] {
  if (host === 'localhost') return [...addresses, ...LOOPBACK];
  return isIP(host) === 0 ? addresses : [...addresses, unmapped(host)];
}

/**
 * The first of the addresses that these grants do not allow. One is enough to deny a request: an honest
 * name has none, and an answer that mixes them is how rebinding begins.
 */
export function prohibited(grants: readonly HttpGrant[], addresses: readonly string[]): string | undefined {
  const named = blocks(grants.flatMap(namedBy));
  return addresses.find((address) => !isPublic(address) && !isNamed(named, address));
}
