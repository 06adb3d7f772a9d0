/** What time it is, signed for the one device that asks, under its nonce. */
import type { KeyObject } from 'node:crypto';
import { signDocument, type DeviceId, type TimeDocument } from '@wafer/protocol';

export function signedTime(device: DeviceId, nonce: string, nowMs: number, director: KeyObject): Buffer {
  const time = new Date(nowMs).toISOString();
  const document: TimeDocument = { _type: 'wafer-time', device, nonce, time };
  return Buffer.from(JSON.stringify(signDocument(document, director)));
}
