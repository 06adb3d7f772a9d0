/**
 * Known answers of what trust rests on. Digests are of FIPS 180-4's examples, signatures of RFC 8032
 * (7.1, test 2) and RFC 6979 (A.2.5, SHA-256, "sample").
 */
import { createHash, createPublicKey, verify, type JsonWebKey } from 'node:crypto';

export interface KnownDigest {
  readonly message: string;
  /** SHA-256 in hexadecimal digits. */
  readonly digest: string;
}

export const DIGESTS: readonly KnownDigest[] = [
  { message: '', digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
  { message: 'abc', digest: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
  {
    message: 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    digest: '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  },
  {
    message: 'a'.repeat(1_000_000),
    digest: 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0',
  },
];

/** The first message whose digest is another; undefined when all are right. */
export function wrongDigest(known: readonly KnownDigest[] = DIGESTS): string | undefined {
  for (const { message, digest } of known) {
    const got = createHash('sha256').update(message).digest('hex');
    const name = message.length > 100 ? `${message.length} bytes` : JSON.stringify(message);
    if (got !== digest) return `SHA-256 of ${name} is ${got} here`;
  }
  return undefined;
}

export interface KnownSignature {
  readonly name: string;
  readonly key: JsonWebKey;
  readonly hash: 'sha256' | null;
  readonly message: Buffer;
  readonly signature: Buffer;
}

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const base64url = (hex: string): string => bytes(hex).toString('base64url');

export const SIGNATURES: readonly KnownSignature[] = [
  {
    name: 'Ed25519',
    key: {
      kty: 'OKP',
      crv: 'Ed25519',
      x: base64url('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'),
    },
    hash: null,
    message: bytes('72'),
    signature: bytes(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ),
  },
  {
    name: 'ECDSA P-256',
    key: {
      kty: 'EC',
      crv: 'P-256',
      x: base64url('60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6'),
      y: base64url('7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299'),
    },
    hash: 'sha256',
    message: Buffer.from('sample'),
    signature: bytes(
      'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
        'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
    ),
  },
];

/** One bit of it is another. */
function altered(original: Buffer): Buffer {
  const copy = Buffer.from(original);
  copy[copy.length >> 1]! ^= 1;
  return copy;
}

/** What was taken for genuine and is not, or the other way about; undefined when all is right. */
export function wrongSignature(known: readonly KnownSignature[] = SIGNATURES): string | undefined {
  for (const { name, key: jwk, hash, message, signature } of known) {
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const holds = (said: Buffer, signed: Buffer): boolean =>
      verify(hash, said, { key, dsaEncoding: 'ieee-p1363' }, signed);
    if (!holds(message, signature)) return `a genuine signature by ${name} does not verify`;
    if (holds(altered(message), signature)) return `${name} verifies another message`;
    if (holds(message, altered(signature))) return `${name} verifies a forged signature`;
  }
  return undefined;
}
