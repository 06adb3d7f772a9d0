/**
 * The lives of a rollout and of its waves, and what may happen to each: one table a life, state → event
 * → next state. What is not in a table is refused with `rollout.transition`. The server's conditional
 * statements, the API's refusals, the buttons of the dashboard and the diagrams read these tables.
 *
 * The life of an execution is in states.ts; here stands which word may follow which, since a device
 * may answer twice, late, or with a word that cannot follow.
 */
import { z } from 'zod';
import { EXECUTION_STATES, TERMINAL_STATES, type ExecutionState } from './states.ts';

export const ROLLOUT_STATES = [
  'DRAFT',
  'AWAITING_APPROVAL',
  'SCHEDULED',
  'RUNNING',
  'PAUSED',
  'COMPLETED',
  'ABORTED',
  'ROLLING_BACK',
  'ROLLED_BACK',
] as const;
export const RolloutState = z.enum(ROLLOUT_STATES);
export type RolloutState = z.infer<typeof RolloutState>;

/** What people do to a rollout; the last path segment of POST /rollouts/:id/:action. */
export const ROLLOUT_ACTIONS = ['start', 'approve', 'pause', 'resume', 'abort', 'rollback', 'retry'] as const;
export const RolloutAction = z.enum(ROLLOUT_ACTIONS);
export type RolloutAction = z.infer<typeof RolloutAction>;

export const ROLLOUT_EVENTS = [
  'start',
  'approval-needed', // it was started, and widens what a release may do
  'approve',
  'begin', // its start time has come
  'pause',
  'resume',
  'trip-pause', // a gate tripped, and says so
  'trip-abort',
  'trip-rollback',
  'complete',
  'overtaken', // the channel was moved by hand meanwhile
  'expired', // its deadline passed while devices still waited
  'abort',
  'rollback',
  'returned', // every device is back
] as const;
export type RolloutEvent = (typeof ROLLOUT_EVENTS)[number];

export const ROLLOUT_TRANSITIONS = {
  DRAFT: { start: 'SCHEDULED', 'approval-needed': 'AWAITING_APPROVAL', abort: 'ABORTED' },
  AWAITING_APPROVAL: { approve: 'SCHEDULED', abort: 'ABORTED', overtaken: 'ABORTED', expired: 'ABORTED' },
  SCHEDULED: { begin: 'RUNNING', abort: 'ABORTED', overtaken: 'ABORTED', expired: 'ABORTED' },
  RUNNING: {
    pause: 'PAUSED',
    'trip-pause': 'PAUSED',
    'trip-abort': 'ABORTED',
    'trip-rollback': 'ROLLING_BACK',
    complete: 'COMPLETED',
    overtaken: 'ABORTED',
    expired: 'ABORTED',
    abort: 'ABORTED',
    rollback: 'ROLLING_BACK',
  },
  PAUSED: {
    resume: 'RUNNING',
    abort: 'ABORTED',
    rollback: 'ROLLING_BACK',
    overtaken: 'ABORTED',
    expired: 'ABORTED',
  },
  COMPLETED: {},
  ABORTED: { rollback: 'ROLLING_BACK' },
  ROLLING_BACK: { returned: 'ROLLED_BACK' },
  ROLLED_BACK: {},
} as const satisfies Record<RolloutState, Partial<Record<RolloutEvent, RolloutState>>>;

export const WAVE_STATES = [
  'WAITING', // for the wave before
  'RUNNING',
  'SOAKING', // all have ended; their health is watched
  'AWAITING_APPROVAL',
  'PASSED',
  'TRIPPED',
  'CANCELED',
] as const;
export const WaveState = z.enum(WAVE_STATES);
export type WaveState = z.infer<typeof WaveState>;

export type WaveEvent = 'open' | 'ended' | 'soaked' | 'approve' | 'pass' | 'trip' | 'resume' | 'cancel';

export const WAVE_TRANSITIONS = {
  WAITING: { open: 'RUNNING', cancel: 'CANCELED' },
  RUNNING: { ended: 'SOAKING', trip: 'TRIPPED', cancel: 'CANCELED' },
  SOAKING: {
    soaked: 'AWAITING_APPROVAL',
    pass: 'PASSED',
    trip: 'TRIPPED',
    resume: 'RUNNING',
    cancel: 'CANCELED',
  },
  AWAITING_APPROVAL: { approve: 'PASSED', trip: 'TRIPPED', resume: 'RUNNING', cancel: 'CANCELED' },
  PASSED: {},
  TRIPPED: { resume: 'RUNNING' },
  CANCELED: {},
} as const satisfies Record<WaveState, Partial<Record<WaveEvent, WaveState>>>;

const ANYTHING_BUT_QUEUED = EXECUTION_STATES.filter((state) => state !== 'QUEUED');
const ENDS = EXECUTION_STATES.filter((state) => TERMINAL_STATES.has(state));

/** What a device, or the server for it, may say next. TIMED_OUT is a guess that the device's own end replaces. */
export const EXECUTION_TRANSITIONS = {
  QUEUED: ANYTHING_BUT_QUEUED,
  IN_PROGRESS: ANYTHING_BUT_QUEUED,
  SUCCEEDED: [],
  FAILED: [],
  REJECTED: [],
  TIMED_OUT: ENDS,
  ROLLED_BACK: [],
  CANCELED: [],
  REMOVED: [],
  ALREADY_INSTALLED: [],
} as const satisfies Record<ExecutionState, readonly ExecutionState[]>;

const next = <State extends string>(
  table: Record<State, Partial<Record<string, State>>>,
  state: State,
  event: string,
): State | undefined => (Object.hasOwn(table[state], event) ? table[state][event] : undefined);

/** Undefined when the table has no such transition. */
export const nextRolloutState = (state: RolloutState, event: RolloutEvent): RolloutState | undefined =>
  next<RolloutState>(ROLLOUT_TRANSITIONS, state, event);
export const nextWaveState = (state: WaveState, event: WaveEvent): WaveState | undefined =>
  next<WaveState>(WAVE_TRANSITIONS, state, event);

/** What the tables let a person order. The rollback of a completed rollout is a rollout of its own. */
export function actionsIn(
  state: RolloutState,
  waves: readonly { readonly state: WaveState }[],
): RolloutAction[] {
  const asks = waves.some((wave) => wave.state === 'AWAITING_APPROVAL');
  return ROLLOUT_ACTIONS.filter((action) => {
    if (action === 'retry') return state === 'RUNNING' || state === 'PAUSED';
    if (action === 'rollback' && state === 'COMPLETED') return true;
    if (action === 'approve' && state === 'RUNNING') return asks;
    return nextRolloutState(state, action) !== undefined;
  });
}

/** Nothing is started by a rollout in one of these, whatever happens. */
export const ENDED_ROLLOUTS: ReadonlySet<RolloutState> = new Set(['COMPLETED', 'ABORTED', 'ROLLED_BACK']);

export const SUCCESSES: ReadonlySet<ExecutionState> = new Set(['SUCCEEDED', 'ALREADY_INSTALLED']);
/** How a device's part ends that gates count. CANCELED and REMOVED are no doing of the release. */
export const FAILURES: ReadonlySet<ExecutionState> = new Set([
  'FAILED',
  'REJECTED',
  'TIMED_OUT',
  'ROLLED_BACK',
]);
