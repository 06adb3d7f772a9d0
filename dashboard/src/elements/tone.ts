/** The five tones of the page; each has its own shape and its own word, so colour never speaks alone. */
import type { DeviceEvent, DeviceHealth } from '@wafer/protocol/api';
import type { ExecutionState } from '@wafer/protocol/states';
import type { IconName } from './icons.tsx';

export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'idle';

export interface Look {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly word: string;
}

export const HEALTH_LOOK = {
  healthy: { tone: 'ok', icon: 'ok', word: 'Healthy' },
  failing: { tone: 'bad', icon: 'bad', word: 'Failing' },
  offline: { tone: 'idle', icon: 'off', word: 'Offline' },
  unknown: { tone: 'idle', icon: 'unknown', word: 'Unknown' },
} as const satisfies Record<DeviceHealth, Look>;

export const EXECUTION_LOOK = {
  QUEUED: { tone: 'idle', icon: 'wait', word: 'queued' },
  IN_PROGRESS: { tone: 'busy', icon: 'busy', word: 'in progress' },
  SUCCEEDED: { tone: 'ok', icon: 'ok', word: 'succeeded' },
  FAILED: { tone: 'bad', icon: 'bad', word: 'failed' },
  REJECTED: { tone: 'bad', icon: 'bad', word: 'rejected' },
  TIMED_OUT: { tone: 'bad', icon: 'wait', word: 'timed out' },
  ROLLED_BACK: { tone: 'warn', icon: 'warn', word: 'rolled back' },
  CANCELED: { tone: 'idle', icon: 'off', word: 'canceled' },
  REMOVED: { tone: 'idle', icon: 'off', word: 'removed' },
  ALREADY_INSTALLED: { tone: 'ok', icon: 'ok', word: 'already installed' },
} as const satisfies Record<ExecutionState, Look>;

/** The look of a line of a device's timeline. */
export function eventLook({ kind, state }: Pick<DeviceEvent, 'kind' | 'state'>): Look {
  switch (kind) {
    case 'enrolled':
      return { tone: 'busy', icon: 'enrolled', word: 'Enrolled' };
    case 'online':
      return { tone: 'ok', icon: 'online', word: 'Online' };
    case 'offline':
      return { tone: 'idle', icon: 'offline', word: 'Offline' };
    case 'desired':
      return { tone: 'idle', icon: 'desired', word: 'Desired state' };
    case 'apps':
      return { tone: 'idle', icon: 'apps', word: 'Apps' };
    case 'fault':
      return { tone: 'bad', icon: 'bad', word: 'Fault' };
    case 'execution':
      return state === null ? { tone: 'idle', icon: 'unknown', word: 'Execution' } : EXECUTION_LOOK[state];
  }
}
