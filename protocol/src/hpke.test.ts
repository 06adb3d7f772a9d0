import { createPrivateKey, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { keyOfPoint, openBase, pointOf, sealBase } from './hpke.ts';

/**
 * From the test vectors that are published with RFC 9180 (test-vectors.json of its repository): mode 0,
 * kem_id 16, kdf_id 1, aead_id 2, first encryption.
 */
const VECTOR = {
  info: '4f6465206f6e2061204772656369616e2055726e',
  skRm: '317f915db7bc629c48fe765587897e01e282d3e8445f79f27f65d031a88082b2',
  pkRm: '04abc7e49a4c6b3566d77d0304addc6ed0e98512ffccf505e6a8e3eb25c685136f853148544876de76c0f2ef99cdc3a05ccf5ded7860c7c021238f9e2073d2356c',
  skEm: '90345e3a1d116c1dd39ae76d95ab858c142223a63e44f8f85318cfa91a84858e',
  enc: '04c06b4f6bebc7bb495cb797ab753f911aff80aefb86fd8b6fcc35525f3ab5f03e0b21bd31a86c6048af3cb2d98e0d3bf01da5cc4c39ff5370d331a4f1f7d5a4e0',
  aad: '436f756e742d30',
  pt: '4265617574792069732074727574682c20747275746820626561757479',
  ct: '58c61a45059d0c5704560e9d88b564a8b63f1364b8d1fcb3c4c6ddc1d291742465e902cd216f8908da49f8f96f',
} as const;

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** A private key as the vectors give it, beside its public point. */
function privateKey(scalar: string, point: string): KeyObject {
  const jwk = keyOfPoint(hex(point)).export({ format: 'jwk' });
  return createPrivateKey({ key: { ...jwk, d: hex(scalar).toString('base64url') }, format: 'jwk' });
}

const recipient = privateKey(VECTOR.skRm, VECTOR.pkRm);
const bound = { info: hex(VECTOR.info), aad: hex(VECTOR.aad) };
const sealed = hex(VECTOR.enc + VECTOR.ct);

test('seals what the published vector seals, with its ephemeral key', () => {
  const ephemeral = privateKey(VECTOR.skEm, VECTOR.enc);
  expect(sealBase(hex(VECTOR.pt), keyOfPoint(hex(VECTOR.pkRm)), bound, ephemeral)).toEqual(sealed);
});

test('opens the published vector', () => {
  expect(openBase(sealed, recipient, bound)).toEqual(hex(VECTOR.pt));
});

test('a message sealed twice is two texts, and both open', () => {
  const message = Buffer.from('hunter2');
  const [one, two] = [1, 2].map(() => sealBase(message, keyOfPoint(pointOf(recipient)), bound)) as [
    Buffer,
    Buffer,
  ];
  expect(one.equals(two)).toBe(false);
  for (const each of [one, two]) expect(openBase(each, recipient, bound)).toEqual(message);
});

test.each([...Array(sealed.length).keys()].filter((at) => at % 5 === 0))(
  'with bit 0 of byte %i turned it does not open',
  (at) => {
    const altered = Buffer.from(sealed);
    altered[at] = altered[at]! ^ 1;
    expect(() => openBase(altered, recipient, bound)).toThrow();
  },
);

test('neither another info, nor another aad, nor a part of it opens', () => {
  expect(() => openBase(sealed, recipient, { ...bound, info: hex('00') })).toThrow();
  expect(() => openBase(sealed, recipient, { info: bound.info })).toThrow();
  expect(() => openBase(sealed.subarray(0, 80), recipient, bound)).toThrow('shorter');
});

test('a point that is not on the curve is no key', () => {
  const off = Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]);
  expect(() => keyOfPoint(off)).toThrow();
  expect(() => keyOfPoint(hex(VECTOR.enc).subarray(1))).toThrow('uncompressed');
});
