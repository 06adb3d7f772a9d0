/**
 * How long a wave may take, for the preview. Pure, and no more than an estimate: devices go through in
 * batches of `inFlight`, each as long as the last updates of the app took; then the wave is watched. A
 * device that says nothing holds its place until it times out, so one such makes the wave last at least so
 * long. Windows and people's approvals are not in it.
 */
import type { CreateRollout, Verdict } from '@wafer/protocol';

export type VerdictCounts = Partial<Record<Verdict, number>>;

/** What holds a place until it has answered. */
const ANSWERS = ['update', 'outside-window', 'incompatible', 'missing-grant', 'refused'] as const;

interface Circumstances {
  readonly inFlight: number;
  readonly soakMinutes: number;
  /** Silence after which a device has failed, in minutes. */
  readonly queuedMinutes: number;
  /** Of one device, in seconds. */
  readonly updateSeconds: number;
}

/** Minutes. */
export function minutesOf(
  verdicts: VerdictCounts,
  { inFlight, soakMinutes, queuedMinutes, updateSeconds }: Circumstances,
): number {
  const asked = ANSWERS.reduce((sum, verdict) => sum + (verdicts[verdict] ?? 0), 0);
  const silent = verdicts.silent ?? 0;
  const batches = Math.ceil(asked / inFlight) * (updateSeconds / 60);
  const waits = Math.ceil(silent / inFlight) * queuedMinutes;
  return Math.max(batches, waits) + (asked + silent === 0 ? 0 : soakMinutes);
}

export const estimateOf = (
  spec: Pick<CreateRollout, 'inFlight' | 'timeouts'>,
  soakMinutes: number,
  updateSeconds: number,
): Circumstances => ({
  inFlight: spec.inFlight,
  soakMinutes,
  queuedMinutes: spec.timeouts.queued,
  updateSeconds,
});
