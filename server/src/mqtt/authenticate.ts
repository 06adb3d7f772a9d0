/**
 * Who is it? Three things must agree before a session begins: the certificate that TLS verified,
 * its common name, and the MQTT client id; and the server must still know the device. A client id
 * is never believed by itself: `#`, `+/x`, `__proto__`, an empty one or a neighbour's all end here.
 */
import type { TLSSocket } from 'node:tls';
import { DeviceId, deviceAccess } from '@wafer/protocol';
import { isWillAllowed, type Publication } from './authorize.ts';

/** What a device proves by its TLS handshake. */
export interface Presented {
  readonly device: DeviceId;
  /** Serial number of the certificate, lower-case hexadecimal. */
  readonly serial: string;
  /** When it ends, ms since 1970; a session under it lives no longer. */
  readonly expires: number;
}

/** Whether the device is known and its certificate not revoked. A rejection means: try later. */
export type Authenticate = (presented: Presented) => Promise<boolean>;

/** The parts of CONNECT that are judged. */
export interface Connect {
  readonly clientId: string;
  readonly will?: Publication | undefined;
}

export type ConnectRefusal =
  | 'no-certificate'
  | 'certificate-expired'
  | 'client-id'
  | 'will-forbidden'
  | 'not-authorized'
  | 'unavailable';

/** CONNACK return codes, MQTT 3.1.1 clause 3.2.2.3. */
export const CONNACK_CODES = {
  'client-id': 2,
  unavailable: 3,
  'no-certificate': 5,
  'certificate-expired': 5,
  'will-forbidden': 5,
  'not-authorized': 5,
} as const satisfies Record<ConnectRefusal, 2 | 3 | 5>;

/** From a socket whose handshake verified the chain; undefined when the name is no device's. */
export function presentedBy(socket: TLSSocket): Presented | undefined {
  if (!socket.authorized) return undefined;
  const { subject, serialNumber, valid_to: validTo } = socket.getPeerCertificate();
  const device = DeviceId.safeParse(subject?.CN);
  if (!device.success) return undefined;
  return { device: device.data, serial: serialNumber.toLowerCase(), expires: Date.parse(validTo) };
}

/** A date that cannot be read counts as past. */
export const hasExpired = ({ expires }: Presented, now: number): boolean => !(now < expires);

/** What can be said without asking anyone. */
export function judgeConnect(
  presented: Presented | undefined,
  { clientId, will }: Connect,
  now: number,
): ConnectRefusal | undefined {
  if (presented === undefined) return 'no-certificate';
  // TLS has looked, too; but by its own clock, and when the connection was made.
  if (hasExpired(presented, now)) return 'certificate-expired';
  if (clientId !== presented.device) return 'client-id';
  if (will && !isWillAllowed(deviceAccess(presented.device), will)) return 'will-forbidden';
  return undefined;
}
