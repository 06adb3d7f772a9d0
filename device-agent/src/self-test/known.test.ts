import { describe, expect, it } from 'vitest';
import { DIGESTS, SIGNATURES, wrongDigest, wrongSignature } from './known.ts';

describe('the known answers of what trust rests on', () => {
  it('hold here', () => {
    expect(wrongDigest()).toBeUndefined();
    expect(wrongSignature()).toBeUndefined();
  });

  it('find a digest that is another', () => {
    expect(wrongDigest([{ ...DIGESTS[1]!, digest: DIGESTS[0]!.digest }])).toMatch(
      /^SHA-256 of "abc" is ba78/,
    );
  });

  it('find a genuine signature that is not taken for one', () => {
    const [, ecdsa] = SIGNATURES;
    expect(wrongSignature([{ ...ecdsa!, message: Buffer.from('simple') }])).toBe(
      'a genuine signature by ECDSA P-256 does not verify',
    );
  });
});
