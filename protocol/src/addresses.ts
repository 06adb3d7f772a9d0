/**
 * Which addresses a name may lead to, for guests on a board and for settings on the server alike. Public
 * ones; every other has to be allowed by name: loopback, private and link-local ranges are where neighbours
 * and one's own services are. Not for browsers.
 *
 * IPv4 is judged by what is not public (IANA's special-purpose registry, RFC 6890), IPv6 the other way
 * round: only global unicast, 2000::/3, is public, less what is special in it. Where an IPv6 address carries
 * an IPv4 address (mapped, NAT64, 6to4), that one is judged: a gateway on the way would lead there.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';

const SPECIAL_IPV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by a provider's customers
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, and the metadata services of clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays, deprecated
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
];

const GLOBAL_IPV6 = ['2000::/3'];

const SPECIAL_IPV6 = [
  '2001::/23', // protocol assignments, Teredo among them
  '2001:db8::/32', // documentation
  '3fff::/20', // documentation
];

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv4(address) ? 'ipv4' : 'ipv6');

/** Blocks such as 10.0.0.0/8, and single addresses. What is neither is left out. */
export function blocks(list: readonly string[]): BlockList {
  const made = new BlockList();
  for (const entry of list) {
    const [address = '', prefix] = entry.split('/');
    if (isIP(address) === 0) continue;
    if (prefix === undefined) made.addAddress(address, familyOf(address));
    else made.addSubnet(address, Number(prefix), familyOf(address));
  }
  return made;
}

const specialIpv4 = blocks(SPECIAL_IPV4);
const globalIpv6 = blocks(GLOBAL_IPV6);
const specialIpv6 = blocks(SPECIAL_IPV6);

const dotted = (high: number, low: number): string => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;

/** The eight groups of an IPv6 address without a zone. */
function groupsOf(address: string): number[] {
  const tail = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const hex = (a: string | undefined, b: string | undefined): string =>
    (Number(a) * 256 + Number(b)).toString(16);
  const plain = tail === null ? address : `${tail[1]}${hex(tail[2], tail[3])}:${hex(tail[4], tail[5])}`;
  const halves = plain.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const [head = [], end = []] = halves;
  const gap = Array.from({ length: 8 - head.length - end.length }, () => '0');
  return [...head, ...gap, ...end].map((group) => Number.parseInt(group, 16));
}

const isZero = (groups: readonly number[]): boolean => groups.every((group) => group === 0);

/** The IPv4 address that a mapped one (::ffff:a.b.c.d) is; any other address as it is. */
export function unmapped(address: string): string {
  if (isIP(address) !== 6 || address.includes('%')) return address;
  const groups = groupsOf(address);
  const isMapped = isZero(groups.slice(0, 5)) && groups[5] === 0xffff;
  return isMapped ? dotted(groups[6]!, groups[7]!) : address;
}

/** The IPv4 address that a gateway would translate this one to. */
function carried(address: string): string | undefined {
  const groups = groupsOf(address);
  if (groups[0] === 0x2002) return dotted(groups[1]!, groups[2]!);
  const isNat64 = groups[0] === 0x64 && groups[1] === 0xff9b && isZero(groups.slice(2, 6));
  return isNat64 ? dotted(groups[6]!, groups[7]!) : undefined;
}

/** False for what is no address, too. */
export function isPublic(spelled: string): boolean {
  const address = unmapped(spelled);
  if (isIP(address) === 4) return !specialIpv4.check(address, 'ipv4');
  if (isIP(address) !== 6 || address.includes('%')) return false;
  const inner = carried(address);
  if (inner !== undefined) return isPublic(inner);
  return globalIpv6.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6');
}

/** Whether a list from `blocks` names the address, as it is or as the IPv4 address that it is mapped from. */
export function isNamed(list: BlockList, spelled: string): boolean {
  const address = unmapped(spelled);
  return isIP(address) !== 0 && !address.includes('%') && list.check(address, familyOf(address));
}
