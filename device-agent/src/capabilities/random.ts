/**
 * wasi:random — the host's cryptographic randomness, for guests with the grant `random`. The insecure
 * interfaces get the same: there is no reason to have a second, worse source.
 */
import { randomBytes } from 'node:crypto';

/** More than this in one call is a trap: no seed and no key is that long. */
const MAX_RANDOM_BYTES = 1024 * 1024;

function bytes(length: bigint): Uint8Array {
  if (length > BigInt(MAX_RANDOM_BYTES)) throw new RangeError('more than 1 MiB of randomness in one call');
  return randomBytes(Number(length));
}

const u64 = (): bigint => randomBytes(8).readBigUInt64LE();

export const random = {
  'wasi:random/random': { getRandomBytes: bytes, getRandomU64: u64 },
  'wasi:random/insecure': { getInsecureRandomBytes: bytes, getInsecureRandomU64: u64 },
  'wasi:random/insecure-seed': { insecureSeed: (): [bigint, bigint] => [u64(), u64()] },
};
