/** AES-256-GCM under a key of 32 octets, for what leaves the process and must come back as it was. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const NOTHING = Buffer.alloc(0);

/** Base64url of nonce, what was locked, and tag. `boundTo` is where it belongs: it opens nowhere else. */
export function lock(key: Buffer, value: Uint8Array, boundTo: Uint8Array = NOTHING): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(boundTo);
  const locked = [nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(locked).toString('base64url');
}

/** Throws when it was locked with another key or for another place, or was changed. */
export function unlock(key: Buffer, locked: string, boundTo: Uint8Array = NOTHING): Buffer {
  const bytes = Buffer.from(locked, 'base64url');
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const opener = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(boundTo);
  opener.setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([opener.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), opener.final()]);
}

export const lockText = (key: Buffer, text: string): string => lock(key, Buffer.from(text, 'utf8'));
export const unlockText = (key: Buffer, locked: string): string => unlock(key, locked).toString('utf8');
