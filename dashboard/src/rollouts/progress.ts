/** Numbers of a rollout, made ready to be drawn. */
import type { RolloutView, WaveCounts } from '@wafer/protocol/rollout-views';
import type { Verdict } from '@wafer/protocol/rollouts';
import { VERDICTS } from '@wafer/protocol/rollouts';
import type { Look } from '../elements/tone.ts';
import { PARTS, PART_LOOK, VERDICT_LOOK, type Part } from './looks.ts';

export interface Segment<Key extends string = string> {
  readonly key: Key;
  readonly count: number;
  readonly look: Look;
}

const nothing = (): Record<Part, number> => ({
  succeeded: 0,
  started: 0,
  failed: 0,
  withdrawn: 0,
  waiting: 0,
});

/** All waves together. */
export function totals(waves: readonly { readonly counts: WaveCounts }[]): Record<Part, number> {
  const sums = nothing();
  for (const { counts } of waves) for (const part of PARTS) sums[part] += counts[part];
  return sums;
}

/** Failures of all waves by cause, the most frequent first. */
export function causesOf(
  waves: readonly { readonly counts: WaveCounts }[],
): [cause: string, count: number][] {
  const sums = new Map<string, number>();
  for (const { counts } of waves)
    for (const [cause, count] of Object.entries(counts.causes))
      sums.set(cause, (sums.get(cause) ?? 0) + count);
  return [...sums].toSorted(([a, many], [b, more]) => more - many || a.localeCompare(b));
}

export const partSegments = (counts: Readonly<Record<Part, number>>): Segment<Part>[] =>
  PARTS.map((part) => ({ key: part, count: counts[part], look: PART_LOOK[part] }));

export const verdictSegments = (verdicts: Partial<Record<Verdict, number>>): Segment<Verdict>[] =>
  VERDICTS.map((verdict) => ({ key: verdict, count: verdicts[verdict] ?? 0, look: VERDICT_LOOK[verdict] }));

/** `3 succeeded, 1 failed`; what is none is not said. */
export const inWords = (segments: readonly Segment[]): string =>
  segments
    .filter(({ count }) => count > 0)
    .map(({ count, look }) => `${count} ${look.word}`)
    .join(', ');

/** The wave that counts now; undefined when all have passed. */
export const currentWave = ({ waves }: Pick<RolloutView, 'waves'>): number | undefined => {
  const index = waves.findIndex(({ state }) => state !== 'PASSED');
  return index === -1 ? undefined : index;
};

/**
 * Whether an order that was meant for one view is still meant for the other: a rollout that runs changes
 * its revision with every device, and what a person decides on is its state, what may be ordered, and its
 * waves.
 */
export const isSameSituation = (seen: RolloutView, now: RolloutView): boolean =>
  seen.state === now.state &&
  seen.actions.join() === now.actions.join() &&
  seen.waves.map(({ state }) => state).join() === now.waves.map(({ state }) => state).join();
