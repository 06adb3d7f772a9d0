/**
 * Secrets on their way to one device: sealed by the server to the key of the device's certificate, opened
 * on the device when an instance of the app is created. HPKE (hpke.ts) with the place of the value as
 * `info`: a sealed value that is copied to another device, app or name does not open there.
 *
 * Sealing is randomised: the same value sealed twice is two texts. Not part of the index, as only the
 * server and the agent need it, and it needs node:crypto.
 */
import type { KeyObject } from 'node:crypto';
import { HPKE_OVERHEAD_BYTES, keyOfPoint, openBase, pointOf, sealBase } from './hpke.ts';
import type { AppName, DeviceId } from './ids.ts';

/** Where a sealed value belongs; it opens nowhere else. */
export interface SealedFor {
  readonly device: DeviceId;
  readonly app: AppName;
  /** A `SecretName`. */
  readonly name: string;
}

/** None of the three can hold a NUL. */
const infoOf = ({ device, app, name }: SealedFor): Buffer =>
  Buffer.from(['wafer-secret/1', device, app, name].join('\0'), 'utf8');

/** The public half of a device's key as the server keeps it: its uncompressed point, base64. Throws if not P-256. */
export const sealingKey = (key: KeyObject): string => pointOf(key).toString('base64');

/** Base64. `key` is a `sealingKey`; throws when it is none. */
export function sealSecret(value: Uint8Array, key: string, place: SealedFor): string {
  const recipient = keyOfPoint(Buffer.from(key, 'base64'));
  return sealBase(value, recipient, { info: infoOf(place) }).toString('base64');
}

/** The value. Throws when it was not sealed to this key for this place, or was altered. */
export function openSecret(sealed: string, key: KeyObject, place: SealedFor): Uint8Array {
  const opened = openBase(Buffer.from(sealed, 'base64'), key, { info: infoOf(place) });
  return new Uint8Array(opened);
}

/** Characters of a sealed value of so many bytes. */
export const sealedLength = (bytes: number): number => Math.ceil((bytes + HPKE_OVERHEAD_BYTES) / 3) * 4;
