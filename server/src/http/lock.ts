/** AES-256-GCM under a key of 32 octets, for what leaves the process and must come back as it was. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Base64url of nonce, tag and what was locked. */
export function lock(key: Buffer, text: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const locked = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), locked]).toString('base64url');
}

/** Throws when it was locked with another key, or was changed. */
export function unlock(key: Buffer, text: string): string {
  const bytes = Buffer.from(text, 'base64url');
  const opener = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
  opener.setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([opener.update(bytes.subarray(28)), opener.final()]).toString('utf8');
}
