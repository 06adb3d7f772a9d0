/**
 * What a rollout does next, as a pure rule of what it ordered, what was counted, and the time. Somebody
 * else counts (observe.ts) and carries out (carry-out.ts).
 *
 * The planner never looks at a device: it reads a few numbers a wave and says how many devices of which
 * wave may be started; the statement that starts them takes the next by place. So a look costs the same
 * for ten devices and for a million.
 *
 * A look gives decisions that hold together for one revision of the rollout; whoever carries them out
 * names that revision, and looks again when somebody was faster. A decision that changes a state stands
 * alone, as what is right after it is another question.
 *
 * INVARIANTS (plan.test.ts, over random schedules)
 * - Nothing is started unless the rollout is RUNNING and its wave has been opened, and the gate of the current wave holds.
 * - No more is started than `inFlight` leaves room for; whoever ended, however, holds no place.
 * - Nothing is started outside its windows, on a blackout day, or after the deadline.
 * - A wave is opened only when the one before has passed.
 */
import type {
  CreateRollout,
  Gate,
  RolloutEvent,
  RolloutState,
  WaveEvent,
  WaveProgress,
} from '@wafer/protocol';
import { isOpen } from '@wafer/protocol/window';
import { whyWorse, type Sides } from './compare.ts';
import { hasEnded, isAccepted, whyTripped, type Tally } from './gate.ts';

/** A rollout as it was read. */
export interface RolloutNow {
  readonly state: RolloutState;
  readonly spec: Pick<CreateRollout, 'waves' | 'inFlight' | 'startAt' | 'deadline' | 'windows' | 'blackouts'>;
  readonly waves: readonly WaveProgress[];
}

/** What was counted in the same instant, one tally a wave. */
export interface Observed {
  readonly tallies: readonly Tally[];
  /** The channel holds something else than when the rollout was made: somebody moved it by hand. */
  readonly overtaken: boolean;
  /** Devices on their way back whose part has not ended. */
  readonly returning: number;
  /** Health of updated devices beside the others', where the gate of the current wave compares it. */
  readonly sides?: Sides;
}

export type Decision =
  | {
      readonly kind: 'start';
      readonly wave: number;
      readonly count: number;
      /** Only devices of these time zones; null: of any. */
      readonly zones: readonly string[] | null;
    }
  | {
      readonly kind: 'wave';
      readonly wave: number;
      readonly event: Extract<WaveEvent, 'open' | 'ended' | 'soaked' | 'pass' | 'resume'>;
    }
  | {
      readonly kind: 'trip';
      readonly wave: number;
      readonly reason: string;
      readonly event: Extract<RolloutEvent, 'trip-pause' | 'trip-abort' | 'trip-rollback'>;
    }
  | {
      readonly kind: 'rollout';
      readonly event: Extract<RolloutEvent, 'begin' | 'complete' | 'overtaken' | 'expired' | 'returned'>;
    };

/** Empty when there is nothing to do but wait. `now` in ms since 1970. */
export function plan(rollout: RolloutNow, observed: Observed, now: number): Decision[] {
  switch (rollout.state) {
    case 'DRAFT':
    case 'COMPLETED':
    case 'ABORTED':
    case 'ROLLED_BACK':
      return [];
    case 'AWAITING_APPROVAL':
    case 'PAUSED':
      return endedFromOutside(rollout, observed, now);
    case 'SCHEDULED': {
      const ended = endedFromOutside(rollout, observed, now);
      if (ended.length > 0) return ended;
      const { startAt } = rollout.spec;
      const isTime = startAt === undefined || Date.parse(startAt) <= now;
      return isTime ? [{ kind: 'rollout', event: 'begin' }] : [];
    }
    case 'ROLLING_BACK':
      return observed.returning === 0 ? [{ kind: 'rollout', event: 'returned' }] : [];
    case 'RUNNING': {
      const ended = endedFromOutside(rollout, observed, now);
      return ended.length > 0 ? ended : planRunning(rollout, observed, now);
    }
  }
}

/** Somebody moved the channel, or the deadline passed while somebody still waits. */
function endedFromOutside(
  { spec: { deadline } }: RolloutNow,
  { overtaken, tallies }: Observed,
  now: number,
): Decision[] {
  if (overtaken) return [{ kind: 'rollout', event: 'overtaken' }];
  const isLate = deadline !== undefined && Date.parse(deadline) <= now;
  return isLate && tallies.some(({ waiting }) => waiting > 0) ? [{ kind: 'rollout', event: 'expired' }] : [];
}

/** Room for `count` more of a wave whose windows are open, or nothing. */
function start(wave: number, { tallies }: Observed, { spec }: RolloutNow, now: number): Decision[] {
  const started = tallies.reduce((sum, each) => sum + each.started, 0);
  const { waiting = 0, zones: byZone = {} } = tallies[wave] ?? {};
  const isAlways = spec.windows.length === 0 && spec.blackouts.length === 0;
  const zones = isAlways ? null : Object.keys(byZone).filter((zone) => isOpen(spec, zone, now));
  const mayStart = zones === null ? waiting : zones.reduce((sum, zone) => sum + (byZone[zone] ?? 0), 0);
  const count = Math.min(spec.inFlight - started, mayStart);
  return count > 0 ? [{ kind: 'start', wave, count, zones }] : [];
}

function planRunning(rollout: RolloutNow, observed: Observed, now: number): Decision[] {
  const { tallies } = observed;
  const wave = rollout.waves.findIndex(({ state }) => state !== 'PASSED');
  const passed = wave === -1 ? tallies : tallies.slice(0, wave);
  // Devices of a wave that has passed, which were given another chance.
  const again = passed.findIndex(({ waiting }) => waiting > 0);
  const progress = rollout.waves[wave];
  if (progress === undefined) {
    if (again !== -1) return start(again, observed, rollout, now);
    return tallies.every(hasEnded) ? [{ kind: 'rollout', event: 'complete' }] : [];
  }
  const gate = rollout.spec.waves[wave]?.gate;
  const tally = tallies[wave];
  if (gate === undefined || tally === undefined) throw new Error(`wave ${wave} was not counted`);
  if (progress.state === 'WAITING') return [{ kind: 'wave', wave, event: 'open' }];
  if (progress.state === 'TRIPPED' || progress.state === 'CANCELED') return [];

  const reason = whyTripped(gate, tally, progress.forgiven);
  if (reason !== undefined) return [{ kind: 'trip', wave, reason, event: `trip-${gate.onTrip}` }];
  if (again !== -1) return start(again, observed, rollout, now);
  if (progress.state === 'RUNNING')
    return hasEnded(tally) ? [{ kind: 'wave', wave, event: 'ended' }] : start(wave, observed, rollout, now);
  return planEnded({ wave, progress, gate, tally, sides: observed.sides }, now);
}

interface Watched {
  readonly wave: number;
  readonly progress: WaveProgress;
  readonly gate: Gate;
  readonly tally: Tally;
  readonly sides: Sides | undefined;
}

/** A wave whose devices have all ended, and that is watched, or waits for a person. */
function planEnded({ wave, progress, gate, tally, sides }: Watched, now: number): Decision[] {
  // Its failed devices were given another chance.
  if (!hasEnded(tally)) return [{ kind: 'wave', wave, event: 'resume' }];
  const { compare } = gate;
  const worse = compare && sides && !isAccepted(progress) ? whyWorse(compare, sides) : undefined;
  if (worse !== undefined) return [{ kind: 'trip', wave, reason: worse, event: `trip-${gate.onTrip}` }];
  if (progress.state === 'AWAITING_APPROVAL') return [];
  // Where nobody was updated there is nothing to watch.
  const soakMinutes = tally.succeeded === 0 ? 0 : gate.soakMinutes;
  const soaked = Date.parse(progress.since ?? '') + soakMinutes * 60_000;
  if (now < soaked) return [];
  return [{ kind: 'wave', wave, event: gate.approval ? 'soaked' : 'pass' }];
}
