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
}

/** Whether the device is known and its certificate not revoked. A rejection means: try later. */
export type Authenticate = (presented: Presented) => Promise<boolean>;

/** The parts of CONNECT that are judged. */
export interface Connect {
  readonly clientId: string;
  readonly will?: Publication | undefined;
}

export type ConnectRefusal =
  'no-certificate' | 'client-id' | 'will-forbidden' | 'not-authorized' | 'unavailable';

/** CONNACK return codes, MQTT 3.1.1 clause 3.2.2.3. */
export const CONNACK_CODES = {
  'client-id': 2,
  unavailable: 3,
  'no-certificate': 5,
  'will-forbidden': 5,
  'not-authorized': 5,
} as const satisfies Record<ConnectRefusal, 2 | 3 | 5>;

/** From a socket whose handshake verified the chain; undefined when the name is no device's. */
export function presentedBy(socket: TLSSocket): Presented | undefined {
  if (!socket.authorized) return undefined;
  const { subject, serialNumber } = socket.getPeerCertificate();
  const device = DeviceId.safeParse(subject?.CN);
  return device.success ? { device: device.data, serial: serialNumber.toLowerCase() } : undefined;
}

/** What can be said without asking anyone. */
export function judgeConnect(
  presented: Presented | undefined,
  { clientId, will }: Connect,
): ConnectRefusal | undefined {
  if (presented === undefined) return 'no-certificate';
  if (clientId !== presented.device) return 'client-id';
  if (will && !isWillAllowed(deviceAccess(presented.device), will)) return 'will-forbidden';
  return undefined;
}
