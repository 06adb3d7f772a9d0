/** What a decision or an order of a person makes of a rollout's own row. Pure; what it makes of devices is carry-out.ts. */
import {
  WaferError,
  nextRolloutState,
  nextWaveState,
  type RolloutAction,
  type RolloutEvent,
  type RolloutState,
  type WaveEvent,
  type WaveProgress,
} from '@wafer/protocol';
import { acceptedIn, type Tally } from './gate.ts';
import type { Decision } from './plan.ts';

/** The part of a rollout that changes. */
export interface Course {
  readonly state: RolloutState;
  readonly waves: readonly WaveProgress[];
  readonly reason: string | null;
}

function withState(course: Course, event: RolloutEvent, reason: string | null = null): Course {
  const state = nextRolloutState(course.state, event);
  if (state === undefined)
    throw new WaferError(
      'rollout.transition',
      `A rollout that is ${course.state} takes no "${event}". Look at it again.`,
    );
  return { ...course, state, reason };
}

interface WaveChange {
  readonly wave: number;
  readonly event: WaveEvent;
  readonly now: number;
  readonly reason?: string;
  readonly forgiven?: WaveProgress['forgiven'];
}

function withWave(course: Course, { wave, event, now, reason, forgiven }: WaveChange): Course {
  const before = course.waves[wave];
  const state = before && nextWaveState(before.state, event);
  if (before === undefined || state === undefined)
    throw new WaferError(
      'rollout.transition',
      `Wave ${wave + 1} is ${before?.state ?? 'not there'} and takes no "${event}".`,
    );
  const after: WaveProgress = {
    state,
    since: new Date(now).toISOString(),
    reason: reason ?? null,
    forgiven: forgiven ?? before.forgiven,
  };
  return { ...course, waves: course.waves.with(wave, after) };
}

/** Waves that were not passed will not be; one that tripped keeps saying why. */
function cancelWaves(course: Course, now: number): Course {
  return course.waves.reduce<Course>(
    (all, { state }, wave) =>
      nextWaveState(state, 'cancel') === undefined ? all : withWave(all, { wave, event: 'cancel', now }),
    course,
  );
}

/** Why it ended from outside, for people. */
const ENDS = {
  overtaken: 'The channel was moved by hand meanwhile; what it holds now counts.',
  expired: 'Its deadline passed before every device was started.',
} as const;

/** Throws rollout.transition when the tables have no such step. */
export function afterDecision(course: Course, decision: Decision, now: number): Course {
  switch (decision.kind) {
    case 'start':
      return course;
    case 'wave':
      return withWave(course, { ...decision, now });
    case 'trip': {
      const { wave, reason, event } = decision;
      const tripped = withWave(course, { wave, event: 'trip', now, reason });
      const stopped = withState(tripped, event, `Wave ${wave + 1}: ${reason}.`);
      // What paused can be resumed.
      return event === 'trip-pause' ? stopped : cancelWaves(stopped, now);
    }
    case 'rollout': {
      const { event } = decision;
      if (event === 'overtaken' || event === 'expired')
        return cancelWaves(withState(course, event, ENDS[event]), now);
      return withState(course, event, event === 'returned' ? course.reason : null);
    }
  }
}

/** What a person needs beside the rollout: whether a start needs an approval, and the numbers so far. */
export interface Circumstances {
  readonly needsApproval: boolean;
  readonly tallies: readonly Pick<Tally, 'causes' | 'unhealthy'>[];
  readonly reason: string | null;
}

/** The wave that an order to go on is about. */
const current = ({ waves }: Course): number => waves.findIndex(({ state }) => state !== 'PASSED');

/**
 * A person resumes a rollout although a gate tripped: the failures so far are accepted, further ones are
 * not. A retry is an order about devices and leaves the rollout as it is.
 */
export function afterOrder(
  course: Course,
  action: RolloutAction,
  { needsApproval, tallies, reason }: Circumstances,
  now: number,
): Course {
  switch (action) {
    case 'start':
      return withState(course, needsApproval ? 'approval-needed' : 'start', reason);
    case 'approve': {
      if (course.state === 'AWAITING_APPROVAL') return withState(course, 'approve', reason);
      if (course.state !== 'RUNNING') return withState(course, 'approve');
      return withWave(course, { wave: current(course), event: 'approve', now });
    }
    case 'pause':
      return withState(course, 'pause', reason);
    case 'resume': {
      const resumed = withState(course, 'resume', reason);
      const wave = current(course);
      const tally = tallies[wave];
      if (course.waves[wave]?.state !== 'TRIPPED' || tally === undefined) return resumed;
      return withWave(resumed, { wave, event: 'resume', now, forgiven: acceptedIn(tally) });
    }
    case 'abort':
      return cancelWaves(withState(course, 'abort', reason), now);
    case 'rollback':
      return cancelWaves(withState(course, 'rollback', reason), now);
    case 'retry':
      if (course.state !== 'RUNNING' && course.state !== 'PAUSED')
        throw new WaferError(
          'rollout.transition',
          `A rollout that is ${course.state} tries nothing again; make a new one.`,
        );
      // The failures that were accepted are taken back with the others, and count if they come again.
      return { ...course, waves: course.waves.map((wave) => ({ ...wave, forgiven: {} })) };
  }
}
