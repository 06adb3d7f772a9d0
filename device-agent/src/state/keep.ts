/** The executors around what is installed: start, restart, settle, rollback, relieve, stop, remove. */
import { AGENT_APP, type AppName, type Fault, type SwapFigures } from '@wafer/protocol';
import { appSpec, executionEvent, type Board, type Executors } from './board.ts';
import { asFault, CRASH_LOOP_AFTER, retryDelayMs } from './failing.ts';
import type { Release } from './journal.ts';
import { isSoundAfter } from './verdict.ts';

type Keeping = Pick<Executors, 'start' | 'restart' | 'settle' | 'rollback' | 'relieve' | 'stop' | 'remove'>;

/** A guest that stayed for so long did not go for what made it go before. */
const SETTLED_MS = 15 * 60_000;

export const keeping: Keeping = {
  start: (board, { app, release }) => start(board, app, release, 'start'),

  async restart(board, { app, release }) {
    const notes = board.senses.of(app);
    notes.restartAsked = false;
    notes.serving = undefined;
    notes.warm = false;
    await board.runtime.stop(app);
    await start(board, app, release, 'restart');
  },

  async settle(board, { app, release }) {
    const notes = board.senses.of(app);
    if (notes.warm) await board.runtime.settle(app);
    notes.warm = false;
    notes.soakFaults = [];
    const record = board.journal.record(app);
    const swap = record.soak?.figures;
    const event = executionEvent(board, release.order, 'SUCCEEDED', {
      runningVersion: release.order.version,
      ...(swap === undefined ? {} : { swap }),
    });
    await board.journal.change(app, { ...record, soak: null }, [event]);
  },

  async rollback(board, { app, release, fault }) {
    const { previous } = board.journal.record(app);
    const back = previous !== null && previous.order.counter >= board.floors.of(app) ? previous : null;
    const figures = await returnTo(board, app, back);
    const goesOn = back !== null || app === AGENT_APP;
    const state = goesOn ? ('ROLLED_BACK' as const) : ('FAILED' as const);
    const event = executionEvent(board, release.order, state, {
      fault,
      ...(back === null ? {} : { runningVersion: back.order.version }),
      ...(figures === undefined ? {} : { swap: figures }),
    });
    const record = { ...board.journal.record(app), current: back, previous: null, soak: null };
    await board.journal.change(app, record, [event], {
      execution: release.order.execution,
      state,
      fault,
    });
  },

  /** It is not the release's doing, so it counts against none; starting anew bounds how often it may be tried. */
  async relieve(board, { app, release, fault }) {
    const notes = board.senses.of(app);
    notes.relief = undefined;
    notes.serving = undefined;
    notes.warm = false;
    await board.runtime.stop(app);
    board.runtime.giveBack();
    const now = board.clock.now();
    notes.reliefs = now - notes.relievedAt > SETTLED_MS ? 1 : notes.reliefs + 1;
    notes.relievedAt = now;
    notes.keepAfter = now + retryDelayMs(notes.reliefs);
    board.reportFault(app, release.order.version, fault);
  },

  async stop(board, { app, release, fault }) {
    await board.runtime.stop(app);
    const notes = board.senses.of(app);
    notes.serving = undefined;
    notes.isStopped = true;
    board.reportFault(app, release.order.version, fault);
  },

  async remove(board, { app }) {
    const { attempt, soak, current } = board.journal.record(app);
    await board.runtime.stop(app);
    board.senses.forget(app);
    const open = attempt?.release.order ?? (soak === null ? undefined : current?.order);
    const events = open === undefined ? [] : [executionEvent(board, open, 'REMOVED')];
    await board.journal.change(app, undefined, events);
  },
};

/** Written first: if this start takes the agent down, the next boot knows. */
async function start(
  board: Board,
  app: AppName,
  release: Release,
  cause: 'start' | 'restart',
): Promise<void> {
  const record = board.journal.record(app);
  if (record.soak !== null) {
    const until = board.clock.now() + release.order.health.soakMs;
    const soak = { ...record.soak, until, boots: record.soak.boots + 1 };
    await board.journal.change(app, { ...record, soak });
  }
  try {
    await startRelease(board, release, cause);
    board.senses.of(app).keepFailures = 0;
  } catch (error) {
    await failedToKeep(board, app, release, asFault(error, 'trap'));
  }
}

/** A plain start: nothing serves, so there is nothing to switch from or to keep warm. */
async function startRelease(board: Board, release: Release, cause: 'start' | 'restart'): Promise<void> {
  const { app, target, limits, execution } = release.order;
  let prepared = board.senses.prepared.get(target.sha256);
  if (prepared === undefined) {
    prepared = await board.runtime.prepare(target.sha256, await board.store.read(target.sha256), limits);
    board.senses.prepared.set(target.sha256, prepared);
  }
  await board.runtime.swap(appSpec(release), prepared, undefined, cause);
  const notes = board.senses.of(app);
  notes.relief = undefined;
  notes.serving = execution;
  notes.warm = false;
  board.log('info', 'serves', { app, version: release.order.version });
}

/** Back to the warm instance; else, after a reboot, to a fresh one of the same release. */
async function returnTo(board: Board, app: AppName, back: Release | null): Promise<SwapFigures | undefined> {
  const notes = board.senses.of(app);
  const { warm } = notes;
  const carryState = notes.soakFaults.every(({ kind }) => isSoundAfter(kind));
  notes.soakFaults = [];
  notes.warm = false;
  notes.serving = undefined;
  if (back !== null && warm) {
    try {
      const figures = await board.runtime.rollback(app, carryState);
      notes.serving = back.order.execution;
      return figures;
    } catch (error) {
      board.log('warn', 'the warm instance is gone; starting a fresh one', { app, error: String(error) });
    }
  }
  await board.runtime.stop(app);
  // Not started here: the next plan starts what is installed, and retries until it does.
  return undefined;
}

/** What is installed does not start: reported, and tried again later and later. */
export async function failedToKeep(
  board: Board,
  app: AppName,
  release: Release,
  fault: Fault,
): Promise<void> {
  const notes = board.senses.of(app);
  const { health, version } = release.order;
  notes.serving = undefined;
  if (board.journal.record(app).soak !== null && fault.kind !== 'link') {
    // A candidate that does not even start has used up all that its rule forgives.
    notes.soakFaults = Array<Fault>(health.soakFaults + 1).fill(fault);
    return;
  }
  notes.keepFailures += 1;
  notes.keepAfter = board.clock.now() + retryDelayMs(notes.keepFailures);
  // One loop is told once; that it goes on is in the health report.
  if (notes.keepFailures > CRASH_LOOP_AFTER) return;
  const isLoop = notes.keepFailures === CRASH_LOOP_AFTER;
  board.reportFault(app, version, isLoop ? { ...fault, kind: 'crash-loop' } : fault);
}
