/** States and verdicts of rollouts as tone, icon and word. */
import type { RolloutAction, RolloutState, WaveState } from '@wafer/protocol/rollout-states';
import type { WaveCounts } from '@wafer/protocol/rollout-views';
import type { Verdict } from '@wafer/protocol/rollouts';
import type { Look } from '../elements/tone.ts';

export const ROLLOUT_LOOK = {
  DRAFT: { tone: 'idle', icon: 'draft', word: 'Draft' },
  AWAITING_APPROVAL: { tone: 'warn', icon: 'person', word: 'Awaiting approval' },
  SCHEDULED: { tone: 'idle', icon: 'wait', word: 'Scheduled' },
  RUNNING: { tone: 'busy', icon: 'busy', word: 'Running' },
  PAUSED: { tone: 'warn', icon: 'pause', word: 'Paused' },
  COMPLETED: { tone: 'ok', icon: 'ok', word: 'Completed' },
  ABORTED: { tone: 'bad', icon: 'stop', word: 'Aborted' },
  ROLLING_BACK: { tone: 'busy', icon: 'busy', word: 'Rolling back' },
  ROLLED_BACK: { tone: 'warn', icon: 'warn', word: 'Rolled back' },
} as const satisfies Record<RolloutState, Look>;

export const WAVE_LOOK = {
  WAITING: { tone: 'idle', icon: 'wait', word: 'Waiting' },
  RUNNING: { tone: 'busy', icon: 'busy', word: 'Running' },
  SOAKING: { tone: 'busy', icon: 'busy', word: 'Soaking' },
  AWAITING_APPROVAL: { tone: 'warn', icon: 'person', word: 'Awaiting approval' },
  PASSED: { tone: 'ok', icon: 'ok', word: 'Passed' },
  TRIPPED: { tone: 'bad', icon: 'bad', word: 'Tripped' },
  CANCELED: { tone: 'idle', icon: 'off', word: 'Canceled' },
} as const satisfies Record<WaveState, Look>;

/** The parts of a wave's devices, in the order in which they are drawn. */
export const PARTS = ['succeeded', 'started', 'failed', 'withdrawn', 'waiting'] as const;
export type Part = (typeof PARTS)[number];

export const PART_LOOK = {
  succeeded: { tone: 'ok', icon: 'ok', word: 'succeeded' },
  started: { tone: 'busy', icon: 'busy', word: 'under way' },
  failed: { tone: 'bad', icon: 'bad', word: 'failed' },
  withdrawn: { tone: 'idle', icon: 'off', word: 'withdrawn' },
  waiting: { tone: 'idle', icon: 'wait', word: 'waiting' },
} as const satisfies Record<Exclude<keyof WaveCounts, 'devices' | 'causes'>, Look>;

export const VERDICT_LOOK = {
  update: { tone: 'busy', icon: 'up', word: 'would update' },
  'already-installed': { tone: 'ok', icon: 'ok', word: 'already installed' },
  pinned: { tone: 'idle', icon: 'lock', word: 'pinned' },
  resting: { tone: 'warn', icon: 'pause', word: 'resting' },
  incompatible: { tone: 'bad', icon: 'bad', word: 'incompatible' },
  'missing-grant': { tone: 'bad', icon: 'lock', word: 'missing grant' },
  refused: { tone: 'bad', icon: 'person', word: 'refused by its owner' },
  silent: { tone: 'idle', icon: 'offline', word: 'silent' },
  'outside-window': { tone: 'warn', icon: 'wait', word: 'outside its window' },
} as const satisfies Record<Verdict, Look>;

export const ACTION_WORD = {
  start: 'Start',
  approve: 'Approve',
  pause: 'Pause',
  resume: 'Resume',
  abort: 'Abort',
  rollback: 'Roll back',
  retry: 'Retry failed',
} as const satisfies Record<RolloutAction, string>;
