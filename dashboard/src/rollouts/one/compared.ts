/** Two sides of a comparison as lines; those that the gate asks nothing about are shown without a judgement. */
import type { RolloutView } from '@wafer/protocol/rollout-views';
import type { Comparison } from '@wafer/protocol/rollouts';

export interface Compared {
  readonly what: 'faults' | 'latency' | 'memory';
  readonly updated: number | null;
  readonly others: number | null;
  /** How much more the updated have, with the limit where there is one; null where nobody can say. */
  readonly more: string | null;
  /** Whether the gate asks about it. */
  readonly isJudged: boolean;
  readonly isWorse: boolean;
}

const signed = (value: number, unit: string): string =>
  `${value > 0 ? '+' : ''}${Number(value.toFixed(1))} ${unit}`;

interface Measure {
  readonly what: Compared['what'];
  readonly updated: number | null;
  readonly others: number | null;
  readonly limit: number | undefined;
  readonly unit: string;
  readonly differ: (updated: number, others: number) => number | null;
}

const points = (updated: number, others: number): number => updated - others;
const percent = (updated: number, others: number): number | null =>
  others > 0 ? (updated / others - 1) * 100 : null;

function line({ what, updated, others, limit, unit, differ }: Measure): Compared {
  const more = updated === null || others === null ? null : differ(updated, others);
  const most = limit === undefined ? '' : `, at most +${limit}`;
  return {
    what,
    updated,
    others,
    more: more === null ? null : `${signed(more, unit)}${most}`,
    isJudged: limit !== undefined,
    isWorse: more !== null && limit !== undefined && more > limit,
  };
}

export function compared(
  { updated, others }: NonNullable<RolloutView['comparison']>,
  { faultPoints, latencyPercent, memoryPercent }: Comparison,
): Compared[] {
  const sides = (key: 'faultPercent' | 'latencyMs' | 'memoryBytes') => ({
    updated: updated[key],
    others: others[key],
  });
  return [
    { what: 'faults' as const, ...sides('faultPercent'), limit: faultPoints, unit: 'points', differ: points },
    { what: 'latency' as const, ...sides('latencyMs'), limit: latencyPercent, unit: '%', differ: percent },
    { what: 'memory' as const, ...sides('memoryBytes'), limit: memoryPercent, unit: '%', differ: percent },
  ].map(line);
}
