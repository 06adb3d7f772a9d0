/** One app on one device in a few words: what runs, what is coming, and how the last change went. */
import type { DeviceApp } from '@wafer/protocol/api';
import { EXECUTION_LOOK, type Look } from '../elements/tone.ts';

export interface AppLook {
  /** What runs by the device's own word; null before its first report. */
  readonly running: string | null;
  /** The release that is on its way, when it is not yet the one that runs. */
  readonly coming: string | null;
  readonly look: Look;
  /** Said beside the versions; null when all is as it should be. */
  readonly note: string | null;
}

const QUIET: Look = { tone: 'ok', icon: 'ok', word: 'running' };

/** What the device says of the app, where no execution has more to tell. */
function runningLook(app: DeviceApp): Look {
  switch (app.running?.state) {
    case 'running':
      return QUIET;
    case 'failed':
      return { tone: 'bad', icon: 'bad', word: 'failing' };
    case 'soaking':
      return { tone: 'busy', icon: 'busy', word: 'soaking' };
    case 'starting':
      return { tone: 'busy', icon: 'busy', word: 'starting' };
    case 'stopped':
      return { tone: 'idle', icon: 'stop', word: 'stopped' };
    case undefined:
      return app.desired === null
        ? { tone: 'idle', icon: 'off', word: 'not installed' }
        : { tone: 'idle', icon: 'wait', word: 'not installed yet' };
  }
}

export function appLook(app: DeviceApp): AppLook {
  const running = app.running?.version ?? null;
  const base = runningLook(app);
  const { execution, desired } = app;
  const result = (look: Look, coming: string | null, note: string | null = look.word): AppLook => ({
    running,
    coming,
    look,
    note: look === QUIET ? null : note,
  });
  switch (execution?.state) {
    case 'QUEUED':
    case 'IN_PROGRESS': {
      const look = EXECUTION_LOOK[execution.state];
      const coming = execution.version === running ? null : execution.version;
      return result({ ...look, word: execution.stage ?? look.word }, coming);
    }
    case 'FAILED':
    case 'REJECTED':
    case 'TIMED_OUT':
    case 'ROLLED_BACK': {
      const look = EXECUTION_LOOK[execution.state];
      return result(
        look,
        null,
        execution.version === running ? look.word : `${execution.version} ${look.word}`,
      );
    }
    case 'SUCCEEDED':
    case 'ALREADY_INSTALLED':
    case 'CANCELED':
    case 'REMOVED':
    case undefined: {
      if (running !== null && desired === null)
        return result({ tone: 'idle', icon: 'off', word: 'in no channel' }, null);
      const coming = desired !== null && desired.version !== running ? desired.version : null;
      if (coming !== null && base === QUIET)
        return result({ ...EXECUTION_LOOK.QUEUED, word: 'waiting' }, coming);
      return result(base, coming);
    }
  }
}
