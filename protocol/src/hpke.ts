/**
 * Hybrid Public Key Encryption, RFC 9180, in base mode and with one suite: DHKEM(P-256, HKDF-SHA256),
 * HKDF-SHA256, AES-256-GCM. One message a context, so the sequence number is always 0 and the nonce is
 * the base nonce (clause 6.1, single-shot). Every step has its name from the RFC.
 *
 * On node:crypto, because it is synchronous, takes keys as `KeyObject`s, and costs a board nothing: the
 * libraries bring WebCrypto and 10 to 12 MB of resident memory with them.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';

/** Clause 7: 0x0010, 0x0001, 0x0002. */
const KEM_SUITE = Buffer.from('KEM\x00\x10', 'latin1');
const HPKE_SUITE = Buffer.from('HPKE\x00\x10\x00\x01\x00\x02', 'latin1');
const VERSION = Buffer.from('HPKE-v1', 'latin1');
const MODE_BASE = Buffer.of(0);
const NONE = Buffer.alloc(0);

/** Bytes: Nsecret and Nk; Nn; Nt; Nenc, an uncompressed point (SEC 1, clause 2.3.3). */
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const POINT_BYTES = 65;
const COORDINATE_BYTES = 32;

/** What sealing adds to the length of a message, bytes. */
export const HPKE_OVERHEAD_BYTES = POINT_BYTES + TAG_BYTES;

const hmac = (key: Uint8Array, ...parts: Uint8Array[]): Buffer => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
};

const latin1 = (label: string): Buffer => Buffer.from(label, 'latin1');

/** Clause 4, with HKDF-Extract of RFC 5869. */
const labeledExtract = (suite: Buffer, salt: Uint8Array, label: string, ikm: Uint8Array): Buffer =>
  hmac(salt, VERSION, suite, latin1(label), ikm);

/** Clause 4, with HKDF-Expand of RFC 5869; no length here is over one block of 32 bytes. */
function labeledExpand(suite: Buffer, prk: Buffer, label: string, info: Uint8Array, length: number): Buffer {
  const lengthOf = Buffer.of(length >> 8, length & 0xff);
  return hmac(prk, lengthOf, VERSION, suite, latin1(label), info, Buffer.of(1)).subarray(0, length);
}

/** The uncompressed point of a P-256 key, public or private, 65 bytes. Throws for any other key. */
export function pointOf(key: KeyObject): Buffer {
  const { crv, x, y } = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  if (crv !== 'P-256' || x === undefined || y === undefined) throw new TypeError('not a P-256 key');
  return Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}

/** Throws for bytes that are no point of the curve. */
export function keyOfPoint(point: Uint8Array): KeyObject {
  if (point.length !== POINT_BYTES || point[0] !== 4) throw new TypeError('not an uncompressed P-256 point');
  const coordinate = (at: number): string =>
    Buffer.from(point.subarray(at, at + COORDINATE_BYTES)).toString('base64url');
  const [x, y] = [coordinate(1), coordinate(1 + COORDINATE_BYTES)];
  return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
}

/** Clause 4.1: the shared secret that Encap and Decap agree on. */
function extractAndExpand(dh: Buffer, enc: Uint8Array, recipient: Uint8Array): Buffer {
  const prk = labeledExtract(KEM_SUITE, NONE, 'eae_prk', dh);
  const kemContext = Buffer.concat([enc, recipient]);
  return labeledExpand(KEM_SUITE, prk, 'shared_secret', kemContext, KEY_BYTES);
}

/** Clause 5.1, in base mode. */
function keySchedule(sharedSecret: Buffer, info: Uint8Array): { key: Buffer; nonce: Buffer } {
  const pskIdHash = labeledExtract(HPKE_SUITE, NONE, 'psk_id_hash', NONE);
  const infoHash = labeledExtract(HPKE_SUITE, NONE, 'info_hash', info);
  const context = Buffer.concat([MODE_BASE, pskIdHash, infoHash]);
  const secret = labeledExtract(HPKE_SUITE, sharedSecret, 'secret', NONE);
  return {
    key: labeledExpand(HPKE_SUITE, secret, 'key', context, KEY_BYTES),
    nonce: labeledExpand(HPKE_SUITE, secret, 'base_nonce', context, NONCE_BYTES),
  };
}

export interface Bound {
  /** Only whoever opens with the same bytes can open. */
  readonly info: Uint8Array;
  readonly aad?: Uint8Array;
}

const newEphemeral = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

/** SealBase: the encapsulated key followed by the ciphertext. A given `ephemeral` key may seal only once. */
export function sealBase(
  message: Uint8Array,
  recipient: KeyObject,
  { info, aad = NONE }: Bound,
  ephemeral: KeyObject = newEphemeral(),
): Buffer {
  const enc = pointOf(ephemeral);
  const dh = diffieHellman({ privateKey: ephemeral, publicKey: recipient });
  const { key, nonce } = keySchedule(extractAndExpand(dh, enc, pointOf(recipient)), info);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
  return Buffer.concat([enc, cipher.update(message), cipher.final(), cipher.getAuthTag()]);
}

/** OpenBase. Throws when anything is not as it was sealed: key, context, or a single bit. */
export function openBase(sealed: Uint8Array, recipient: KeyObject, { info, aad = NONE }: Bound): Buffer {
  if (sealed.length < HPKE_OVERHEAD_BYTES) throw new RangeError('shorter than anything that was sealed');
  const enc = sealed.subarray(0, POINT_BYTES);
  const dh = diffieHellman({ privateKey: recipient, publicKey: keyOfPoint(enc) });
  const { key, nonce } = keySchedule(extractAndExpand(dh, enc, pointOf(recipient)), info);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(POINT_BYTES, -TAG_BYTES)), decipher.final()]);
}
