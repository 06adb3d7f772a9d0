/** Claim tokens: `wafer1.<digest of the CA>.<secret>` (design 4.1). Pure rules. */
import { createHash, randomBytes } from 'node:crypto';
import { DeviceId, WaferError, type ErrorCode } from '@wafer/protocol';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export const newSecret = (): string => randomBytes(32).toString('base64url');

export const hashSecret = sha256;

export const claimToken = (caDigest: string, secret: string): string => `wafer1.${caDigest}.${secret}`;

/** The hash of the secret, to look the claim up; throws claim.wrong-server for another CA's token. */
export function readClaimToken(token: string, caDigest: string): string {
  const [, digest, secret = ''] = token.split('.');
  if (digest !== caDigest)
    throw new WaferError(
      'claim.wrong-server',
      'The token names another CA: ask for one on this server, or enrol at the server that made it.',
    );
  return sha256(secret);
}

export interface ClaimState {
  readonly usesLeft: number;
  readonly expires: Date;
  readonly revoked: Date | null;
}

/** Why a claim cannot be used now; undefined when it can. */
export function claimRefusal(claim: ClaimState | undefined, now: number): WaferError | undefined {
  const refuse = (code: ErrorCode, detail: string): WaferError => new WaferError(code, detail);
  if (claim === undefined)
    return refuse('claim.unknown', 'Check that the token was copied whole, or make a new one.');
  if (claim.revoked !== null)
    return refuse('claim.revoked', `It was revoked at ${claim.revoked.toISOString()}: ask for a new one.`);
  if (claim.expires.getTime() <= now)
    return refuse('claim.expired', `It expired at ${claim.expires.toISOString()}: make a new one.`);
  if (claim.usesLeft <= 0)
    return refuse('claim.used-up', 'Make a new one, with as many uses as there are boards.');
  return undefined;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** 80 random bits. */
export function newDeviceId(random: (size: number) => Buffer = randomBytes): DeviceId {
  const letters = [...random(16)].map((octet) => BASE32[octet & 31]);
  return DeviceId.parse(`d-${letters.join('')}`);
}
