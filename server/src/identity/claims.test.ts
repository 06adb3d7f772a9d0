import { ClaimToken, DeviceId, WaferError } from '@wafer/protocol';
import { expect, it } from 'vitest';
import { claimRefusal, claimToken, hashSecret, newDeviceId, newSecret, readClaimToken } from './claims.ts';

const DIGEST = 'd'.repeat(43);
const NOW = Date.UTC(2026, 10, 21);
const code = (error: unknown): string | undefined => (error instanceof WaferError ? error.code : undefined);

it('a token fits its schema and gives back the hash of its secret', () => {
  const secret = newSecret();
  const token = claimToken(DIGEST, secret);
  expect(ClaimToken.parse(token)).toBe(token);
  expect(readClaimToken(token, DIGEST)).toBe(hashSecret(secret));
  expect(readClaimToken(token, DIGEST)).not.toContain(secret);
});

it('a token that names another CA is refused before its secret is looked at', () => {
  try {
    readClaimToken(claimToken('e'.repeat(43), newSecret()), DIGEST);
    expect.unreachable();
  } catch (error) {
    expect(code(error)).toBe('claim.wrong-server');
  }
});

it('a claim is unknown, expired, used up, revoked, or good', () => {
  const later = new Date(NOW + 1);
  expect(code(claimRefusal(undefined, NOW))).toBe('claim.unknown');
  const good = { usesLeft: 1, expires: later, revoked: null };
  expect(code(claimRefusal({ ...good, expires: new Date(NOW) }, NOW))).toBe('claim.expired');
  expect(code(claimRefusal({ ...good, usesLeft: 0 }, NOW))).toBe('claim.used-up');
  expect(code(claimRefusal({ ...good, revoked: new Date(NOW) }, NOW))).toBe('claim.revoked');
  expect(claimRefusal(good, NOW)).toBeUndefined();
});

it('every octet becomes a letter of a device id', () => {
  for (let octet = 0; octet < 256; octet += 1)
    expect(DeviceId.safeParse(newDeviceId((size) => Buffer.alloc(size, octet))).success).toBe(true);
});

it('ids differ', () => {
  expect(new Set(Array.from({ length: 1000 }, () => newDeviceId())).size).toBe(1000);
});
