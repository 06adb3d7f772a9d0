/** What a gate makes of a wave's numbers. Pure; judged again at every look, so that it trips as soon as it must. */
import type { FaultRule, Gate, WaveCounts, WaveProgress } from '@wafer/protocol';

/** A wave's numbers as the planner needs them. */
export interface Tally extends WaveCounts {
  /** Devices that succeeded in it and whose app has failed since. */
  readonly unhealthy: number;
  /** Time zone → devices of it that wait. */
  readonly zones: Readonly<Record<string, number>>;
}

export const hasEnded = ({ waiting, started }: WaveCounts): boolean => waiting === 0 && started === 0;

/** Beside the causes of failures, what a person may have accepted: devices that fell ill later. */
const FAILED_LATER = 'failed-later';

/** A person went on although the gate had tripped: the health of this wave is compared no more. */
export const isAccepted = ({ forgiven }: WaveProgress): boolean => Object.hasOwn(forgiven, FAILED_LATER);

/** What a person accepts by going on although the gate tripped. */
export const acceptedIn = ({
  causes,
  unhealthy,
}: Pick<Tally, 'causes' | 'unhealthy'>): WaveProgress['forgiven'] => ({
  ...causes,
  [FAILED_LATER]: unhealthy,
});

/** What a person has accepted is looked away from: those devices count neither as failures nor as devices. */
interface Counted {
  readonly devices: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly ended: number;
  readonly causes: ReadonlyMap<string, number>;
  readonly unhealthy: number;
}

function countedOf(tally: Tally, forgiven: WaveProgress['forgiven']): Counted {
  const causes = new Map<string, number>();
  let failed = 0;
  const beyond = (cause: string, count: number): number =>
    Math.max(0, count - (Object.hasOwn(forgiven, cause) ? (forgiven[cause] ?? 0) : 0));
  for (const [cause, count] of Object.entries(tally.causes)) {
    const left = beyond(cause, count);
    causes.set(cause, left);
    failed += left;
  }
  const devices = tally.devices - tally.withdrawn - (tally.failed - failed);
  const { succeeded } = tally;
  const unhealthy = beyond(FAILED_LATER, tally.unhealthy);
  return { devices, succeeded, failed, ended: succeeded + failed, causes, unhealthy };
}

const share = (part: number, whole: number): string => `${part} of ${whole}`;

function brokenRule(
  { kind, count, percent }: FaultRule,
  { causes, ended }: Counted,
  isEnough: boolean,
): string | undefined {
  const found = causes.get(kind) ?? 0;
  if (count !== undefined && found >= count)
    return `${found} with the fault ${kind}; ${count} stop the rollout`;
  if (percent !== undefined && isEnough && found * 100 > percent * ended)
    return `${share(found, ended)} with the fault ${kind}; at most ${percent} % may`;
  return undefined;
}

/**
 * Why the gate trips, or undefined while it holds. Every failure is judged: by the rule of its fault kind
 * if there is one, by errorPercent and errorCount otherwise, and in any case by successPercent.
 */
export function whyTripped(
  gate: Gate,
  tally: Tally,
  forgiven: WaveProgress['forgiven'] = {},
): string | undefined {
  const counted = countedOf(tally, forgiven);
  const { devices, succeeded, failed, ended, causes, unhealthy } = counted;
  const isEnough = ended >= gate.minDevices || (hasEnded(tally) && ended > 0);
  for (const rule of gate.faults) {
    const broken = brokenRule(rule, counted, isEnough);
    if (broken !== undefined) return broken;
  }
  const ruled = new Set<string>(gate.faults.map(({ kind }) => kind));
  const others = [...causes].reduce((sum, [cause, count]) => (ruled.has(cause) ? sum : sum + count), 0);
  if (gate.errorCount !== undefined && others >= gate.errorCount)
    return `${others} failed; ${gate.errorCount} stop the rollout`;
  if (gate.errorPercent !== undefined && isEnough && others * 100 > gate.errorPercent * ended)
    return `${share(others, ended)} failed; at most ${gate.errorPercent} % may`;
  if ((devices - failed) * 100 < gate.successPercent * devices)
    return `${share(failed, devices)} failed; ${gate.successPercent} % must succeed`;
  if (isEnough && unhealthy * 100 > gate.unhealthyPercent * succeeded)
    return `${share(unhealthy, succeeded)} failed after they had succeeded; at most ${gate.unhealthyPercent} % may`;
  return undefined;
}
