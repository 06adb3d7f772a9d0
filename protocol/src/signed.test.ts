import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeFrame, encodeFrame } from './frame.ts';
import { canonicalBytes, isSignedBy, keyId, publicHex, signDocument } from './signed.ts';

/** RFC 8032, clause 7.1, test 1: its secret key as PKCS #8. */
const rfc8032 = createPrivateKey({
  key: Buffer.from(
    '302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'hex',
  ),
  format: 'der',
  type: 'pkcs8',
});

describe('signed documents', () => {
  it('have golden bytes', () => {
    expect(canonicalBytes({ b: [1, 'é'], a: { y: true, x: null } }).toString()).toBe(
      '{"a":{"x":null,"y":true},"b":[1,"é"]}',
    );
    expect(publicHex(rfc8032)).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
    const { signatures } = signDocument({ hello: 'wafer' }, rfc8032);
    expect(signatures).toMatchInlineSnapshot(`
      [
        {
          "keyid": "74c181c7ad8a0855d4b55e44d2ba87aabdddb196832571f15f92fece332e4916",
          "sig": "60f53ec3a3af5d05b6b0089ca5489bcfac17fd7db8792625066880da7468fd3d73b962c73f5b08508086fcfe7e174b38809499f28ac17ab5013ea8191911880c",
        },
      ]
    `);
  });

  it('verify with the key that signed, and with no other', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const hex = publicHex(privateKey);
    const { signed, signatures } = signDocument({ a: 1 }, privateKey);
    expect(isSignedBy(signed, signatures, { [keyId(hex)]: hex })).toBe(true);
    expect(isSignedBy({ a: 2 }, signatures, { [keyId(hex)]: hex })).toBe(false);
    expect(isSignedBy(signed, signatures, {})).toBe(false);
    const stranger = publicHex(generateKeyPairSync('ed25519').privateKey);
    expect(isSignedBy(signed, signatures, { [keyId(hex)]: stranger })).toBe(false);
    expect(isSignedBy(signed, [{ keyid: keyId(hex), sig: 'zz' }], { [keyId(hex)]: hex })).toBe(false);
  });
});

describe('frames', () => {
  it('carry a header and bytes', () => {
    const body = Buffer.from([0, 255, 10]);
    expect(decodeFrame(encodeFrame({ id: 1 }, body))).toEqual({ header: { id: 1 }, body });
  });

  it.each([[''], ['00'], ['ffff7b7d'], ['00027b7b']])('are not made of %s', (hex) =>
    expect(decodeFrame(Buffer.from(hex, 'hex'))).toBeUndefined(),
  );
});
