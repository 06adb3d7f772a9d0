/**
 * A certificate request (PKCS #10, RFC 2986) for a P-256 key that is there already. By hand, as the
 * libraries that make them cost the agent's process megabytes that it would keep.
 */
import { createPublicKey, sign, type KeyObject } from 'node:crypto';

/** DER: tag, length, content. Nothing here is longer than 64 KiB. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const SEQUENCE = 0x30;
const SET = 0x31;
const VERSION_0 = Buffer.from([0x02, 0x01, 0x00]);
/** id-at-commonName, 2.5.4.3. */
const COMMON_NAME = Buffer.from([0x06, 0x03, 0x55, 0x04, 0x03]);
/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2 (RFC 5758, 3.2). */
const ECDSA_WITH_SHA256 = Buffer.from([0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]);

/** PEM. The server ignores the subject: it knows who asks by the certificate that is shown. */
export function certificateRequest(key: KeyObject): string {
  const subject = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(0x0c, Buffer.from('device')))));
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const noAttributes = der(0xa0);
  const info = der(SEQUENCE, VERSION_0, subject, publicKey, noAttributes);
  const signature = der(0x03, Buffer.from([0]), sign('sha256', info, key));
  const request = der(SEQUENCE, info, der(SEQUENCE, ECDSA_WITH_SHA256), signature);
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}
