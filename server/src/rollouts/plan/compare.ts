/** What a gate makes of the health of updated devices beside that of the others. Pure. */
import type { Comparison, SideView } from '@wafer/protocol';

export interface Sides {
  readonly updated: SideView;
  /** Devices of the rollout that were not yet started. */
  readonly others: SideView;
}

const percentMore = (ours: number, theirs: number): number => (ours / theirs - 1) * 100;

/** Why the updated are worse off than the rule allows; undefined while they are not, or nobody can say. */
export function whyWorse(rule: Comparison, { updated, others }: Sides): string | undefined {
  if (Math.min(updated.devices, others.devices) < rule.minDevices) return undefined;
  const { faultPoints, latencyPercent, memoryPercent } = rule;
  if (faultPoints !== undefined && updated.faultPercent !== null && others.faultPercent !== null) {
    const points = updated.faultPercent - others.faultPercent;
    if (points > faultPoints)
      return `updated devices fail ${updated.faultPercent.toFixed(1)} % of calls, the others ${others.faultPercent.toFixed(1)} %; at most ${faultPoints} points more may`;
  }
  const measures = [
    { name: 'latency', ours: updated.latencyMs, theirs: others.latencyMs, most: latencyPercent },
    { name: 'memory', ours: updated.memoryBytes, theirs: others.memoryBytes, most: memoryPercent },
  ];
  for (const { name, ours, theirs, most } of measures) {
    if (most === undefined || ours === null || theirs === null || theirs <= 0) continue;
    const more = percentMore(ours, theirs);
    if (more > most)
      return `${name} of updated devices is ${Math.round(more)} % above that of the others; at most ${most} % may`;
  }
  return undefined;
}
