/** The executors of an execution's way: reject, adopt, begin, fetch, prepare, swap, and its ends. */
import { AGENT_APP, type AppName, type ExecutionStage, type Fault, type SwapFigures } from '@wafer/protocol';
import { SwapFailed } from '../apps/runtime.ts';
import { appSpec, executionEvent, running, type Board, type Executors } from './board.ts';
import { asFault, retryDelayMs } from './failing.ts';
import type { AppRecord, Ended, Release } from './journal.ts';
import { failedToKeep } from './keep.ts';
import type { StepOf } from './steps.ts';

/** A server that says "not found" this often in a row does not have it. */
const MAX_MISSES = 3;

/** While memory is short it is asked for again this often. */
const SHORT_MS = 3000;

type Bringing = Pick<
  Executors,
  'reject' | 'adopt' | 'begin' | 'cancel' | 'fetch' | 'prepare' | 'swap' | 'giveUp' | 'supersede'
>;

export const bringing: Bringing = {
  async reject(board, { app, order, fault }) {
    const ended: Ended = { execution: order.execution, state: 'REJECTED', fault };
    const { record, canceled } = withoutAttempt(board, app);
    const event = executionEvent(board, order, 'REJECTED', { fault, ...running(board, app) });
    await board.journal.change(app, record, [...canceled, event], ended);
  },

  async adopt(board, { app, release }) {
    const { record, canceled } = withoutAttempt(board, app);
    const notes = board.senses.of(app);
    // What does not serve now, because it did not start, still has to.
    if (notes.serving !== undefined) notes.serving = release.order.execution;
    const event = executionEvent(board, release.order, 'ALREADY_INSTALLED');
    await board.journal.change(app, { ...record, current: release }, [...canceled, event]);
  },

  async begin(board, { app, release }) {
    const { record, canceled } = withoutAttempt(board, app);
    const notes = board.senses.of(app);
    notes.bringFailures = 0;
    notes.bringAfter = 0;
    const attempt = { release, stage: 'downloading' as const, starts: 0 };
    await board.journal.change(app, { ...record, attempt }, canceled);
  },

  async cancel(board, { app }) {
    const { record, canceled } = withoutAttempt(board, app);
    await board.journal.change(app, record, canceled);
  },

  async fetch(board, step, signal) {
    const { target } = step.release.order;
    const stage = stageReporter(board, step);
    stage('downloading');
    board.senses.fetching.add(target.sha256);
    try {
      await board.fetch(
        { digest: target.sha256, length: target.length, chunks: step.release.custom.chunks },
        { requests: board.requests, signal, onVerifying: () => stage('verifying') },
      );
      board.senses.of(step.app).bringFailures = 0;
    } catch (error) {
      if (signal.aborted) return;
      const fault = asFault(error, 'disk');
      if (fault.kind === 'link' && isWorthAnotherTry(board, step, fault)) return;
      await failed(board, step, fault);
    } finally {
      board.senses.fetching.delete(target.sha256);
    }
  },

  async prepare(board, step, signal) {
    const { target, limits } = step.release.order;
    if (board.isMemoryShort?.() === true) return putOff(board, step);
    stageReporter(board, step)('preparing');
    try {
      const bytes = await board.store.read(target.sha256);
      const prepared = await board.runtime.prepare(target.sha256, bytes, limits, signal);
      board.senses.prepared.set(target.sha256, prepared);
    } catch (error) {
      if (!signal.aborted) await failed(board, step, asFault(error, 'prepare'));
    }
  },

  async swap(board, { app, release }) {
    const record = board.journal.record(app);
    const { attempt } = record;
    const prepared = board.senses.prepared.get(release.order.target.sha256);
    if (attempt === null || prepared === undefined) throw new Error('swap was planned without its attempt');
    const begun = { ...attempt, stage: 'starting' as const, starts: attempt.starts + 1 };
    await board.journal.change(app, { ...record, attempt: begun });
    let figures: SwapFigures;
    try {
      figures = await board.runtime.swap(appSpec(release), prepared, (stage) =>
        board.report(executionEvent(board, release.order, 'IN_PROGRESS', { stage })),
      );
    } catch (error) {
      await failedSwap(
        board,
        app,
        release,
        asFault(error, 'trap'),
        // What cannot even be made came no further than prepare.
        error instanceof SwapFailed
          ? error.figures
          : { cause: 'release', prepareMs: prepared.prepareMs, lostCalls: 0 },
      );
      return;
    }
    await switched(board, app, release, figures);
  },

  giveUp: (board, { app, release, fault }) => failedSwap(board, app, release, fault),

  async supersede(board, { app, release }) {
    const notes = board.senses.of(app);
    if (notes.warm) await board.runtime.settle(app);
    notes.warm = false;
    notes.soakFaults = [];
    const event = executionEvent(board, release.order, 'CANCELED', running(board, app));
    await board.journal.change(app, { ...board.journal.record(app), soak: null }, [event]);
  },
};

/** The candidate serves: from here on a reboot starts it, and the soak decides. */
async function switched(board: Board, app: AppName, release: Release, figures: SwapFigures): Promise<void> {
  const before = board.journal.record(app).current;
  const notes = board.senses.of(app);
  notes.warm = notes.serving !== undefined;
  notes.serving = release.order.execution;
  notes.relief = undefined;
  notes.soakFaults = [];
  board.log('info', 'serves', { app, version: release.order.version });
  const { soakMs } = release.order.health;
  const record: AppRecord = {
    current: release,
    previous: before,
    attempt: null,
    soak: { until: board.clock.now() + soakMs, boots: 0, figures },
  };
  const event = executionEvent(board, release.order, 'IN_PROGRESS', { stage: 'soaking', swap: figures });
  await board.journal.change(app, record, [event]);
}

/** Start or probe failed: what ran before runs on, if there was something. */
function failedSwap(
  board: Board,
  app: AppName,
  { order }: Release,
  fault: Fault,
  figures?: SwapFigures,
): Promise<void> {
  // The agent that could not be replaced goes on, also the package's own, which no order brought.
  const goesOn = app === AGENT_APP || board.senses.of(app).serving !== undefined;
  const state = goesOn ? 'ROLLED_BACK' : 'FAILED';
  return end(board, app, order, state, fault, figures);
}

function failed(board: Board, step: StepOf<'fetch' | 'prepare'>, fault: Fault): Promise<void> {
  if (step.purpose === 'keep') return failedToKeep(board, step.app, step.release, fault);
  return end(board, step.app, step.release.order, 'FAILED', fault);
}

async function end(
  board: Board,
  app: AppName,
  order: Release['order'],
  state: Ended['state'],
  fault: Fault,
  swap?: SwapFigures,
): Promise<void> {
  const record = { ...board.journal.record(app), attempt: null };
  const figures = swap === undefined ? {} : { swap };
  const event = executionEvent(board, order, state, { fault, ...figures, ...running(board, app) });
  await board.journal.change(app, record, [event], { execution: order.execution, state, fault });
}

/** Until there may be memory again. */
function putOff(board: Board, { app, purpose }: StepOf<'prepare'>): void {
  const notes = board.senses.of(app);
  const at = board.clock.now() + SHORT_MS;
  if (purpose === 'bring') notes.bringAfter = at;
  else notes.keepAfter = at;
}

/** Silence is waited out for as long as the order stands; a plain "not found" only so often. */
function isWorthAnotherTry(board: Board, { app, purpose }: StepOf<'fetch'>, fault: Fault): boolean {
  if (purpose === 'keep') return false;
  const notes = board.senses.of(app);
  notes.bringFailures += 1;
  if (fault.subject !== undefined && notes.bringFailures >= MAX_MISSES) return false;
  notes.bringAfter = board.clock.now() + retryDelayMs(notes.bringFailures);
  return true;
}

function withoutAttempt(board: Board, app: AppName) {
  const record = board.journal.record(app);
  const order = record.attempt?.release.order;
  const canceled = order === undefined ? [] : [executionEvent(board, order, 'CANCELED', running(board, app))];
  return { record: { ...record, attempt: null }, canceled };
}

function stageReporter(board: Board, { purpose, release }: StepOf<'fetch' | 'prepare'>) {
  return (stage: ExecutionStage) => {
    if (purpose === 'bring') board.report(executionEvent(board, release.order, 'IN_PROGRESS', { stage }));
  };
}
