/**
 * Signing of JSON documents: ed25519 over OLPC canonical JSON, the encoding that TUF uses (not
 * RFC 8785). A key id is the SHA-256 of the canonical TUF key object, as TUF 1.0 clause 4.2 says.
 */
import { createHash, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import { Signature } from './signature.ts';

export { Signature };

/** A TUF key object for an ed25519 public key. */
export interface TufKey {
  readonly keytype: 'ed25519';
  readonly scheme: 'ed25519';
  readonly keyval: { readonly public: string };
}

/** The raw public key, 64 hexadecimal digits, of an ed25519 key (public or private). */
export function publicHex(key: KeyObject): string {
  const jwk = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  if (jwk.crv !== 'Ed25519' || jwk.x === undefined) throw new TypeError('not an ed25519 key');
  return Buffer.from(jwk.x, 'base64url').toString('hex');
}

export const tufKey = (hex: string): TufKey => ({
  keytype: 'ed25519',
  scheme: 'ed25519',
  keyval: { public: hex },
});

export const keyId = (hex: string): string =>
  createHash('sha256')
    .update(canonicalize(tufKey(hex)))
    .digest('hex');

/** The bytes that a signature covers. */
export const canonicalBytes = (value: unknown): Buffer => Buffer.from(canonicalize(value), 'utf8');

export function signDocument<T>(document: T, key: KeyObject): { signed: T; signatures: Signature[] } {
  const sig = sign(null, canonicalBytes(document), key).toString('hex');
  return { signed: document, signatures: [{ keyid: keyId(publicHex(key)), sig }] };
}

/** Whether one of `keys` (key id → public key in hex) signed `document`. Never throws. */
export function isSignedBy(
  document: unknown,
  signatures: readonly { keyid: string; sig: string }[],
  keys: Readonly<Record<string, string>>,
): boolean {
  return signatures.some(({ keyid, sig }) => {
    const hex = Object.hasOwn(keys, keyid) ? keys[keyid] : undefined;
    if (hex === undefined || keyId(hex) !== keyid) return false;
    try {
      const x = Buffer.from(hex, 'hex').toString('base64url');
      const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
      return verify(null, canonicalBytes(document), key, Buffer.from(sig, 'hex'));
    } catch {
      return false;
    }
  });
}
