/** Warnings ahead of the day on which boards would stop to install anything. Pure. */
import { EXPIRY_WARNING_DAYS } from '@wafer/protocol';

const DAY_MS = 86_400_000;

export type Expiry = 'fine' | 'soon' | 'expired';

export function expiryOf(expires: string, nowMs: number): Expiry {
  const left = Date.parse(expires) - nowMs;
  if (left <= 0) return 'expired';
  return left <= EXPIRY_WARNING_DAYS * DAY_MS ? 'soon' : 'fine';
}

/** One line for each of `documents` that needs signing again; `wafer keys renew` is what helps. */
export function expiryWarnings(
  documents: readonly { readonly name: string; readonly expires: string }[],
  nowMs: number,
): string[] {
  return documents.flatMap(({ name, expires }) => {
    const state = expiryOf(expires, nowMs);
    if (state === 'fine') return [];
    const days = Math.floor((Date.parse(expires) - nowMs) / DAY_MS);
    const when = state === 'expired' ? `expired at ${expires}` : `expires at ${expires}, in ${days} days`;
    return [`${name} ${when}: boards install nothing then. Run wafer keys renew ${name}`];
  });
}
