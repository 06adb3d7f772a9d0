/** What a claim token is good for now, and in words what it gives and who made it. Pure. */
import type { ClaimView } from '@wafer/protocol/api';
import type { Look } from '../elements/tone.ts';
import { counted } from '../format/quantity.ts';

export type ClaimState = 'works' | 'used up' | 'expired' | 'revoked';

export function claimState(
  { revoked, expires, usesLeft }: Pick<ClaimView, 'revoked' | 'expires' | 'usesLeft'>,
  nowMs: number,
): ClaimState {
  if (revoked !== null) return 'revoked';
  if (Date.parse(expires) <= nowMs) return 'expired';
  return usesLeft === 0 ? 'used up' : 'works';
}

export const CLAIM_LOOK = {
  works: { tone: 'ok', icon: 'ok', word: 'works' },
  'used up': { tone: 'idle', icon: 'done', word: 'used up' },
  expired: { tone: 'idle', icon: 'wait', word: 'expired' },
  revoked: { tone: 'idle', icon: 'off', word: 'revoked' },
} as const satisfies Record<ClaimState, Look>;

export const usesLeft = ({ usesLeft: left }: Pick<ClaimView, 'usesLeft'>): string => counted(left, 'board');

/** `user:ann` → `ann`; what is no person says what it is. */
export const makerOf = (madeBy: string | null): string =>
  madeBy === null ? 'not known' : madeBy.replace(/^user:/, '').replace(':', ' ');

/** One that has no name is called by the beginning of its id. */
export const nameOf = ({ id, name }: Pick<ClaimView, 'id' | 'name'>): string => name ?? id.slice(0, 8);

/** Tags as they are typed; undefined for what is no `name=value`. */
export function parseTags(typed: readonly string[]): Record<string, string> | undefined {
  const pairs = typed.map((text) => /^([^=]{1,50})=(.{0,200})$/.exec(text));
  if (pairs.includes(null)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1]?.trim() ?? '', pair?.[2]?.trim() ?? '']));
}
