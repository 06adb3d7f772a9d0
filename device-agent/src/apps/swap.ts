/**
 * Replacing the running release. The candidate starts and proves itself beside the one that serves; only
 * then do calls change over, between two calls, so each is answered by the one or by the other.
 *
 * State moves twice where both releases carry any: once before the probe, so that the candidate is
 * probed with the state that it will have, and once more at the end if the old one was called meanwhile.
 * For that second time work is held back, which is the gap; without state there is none to speak of.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { FaultError, type SwapFigures } from '@wafer/protocol';
import type { Resident } from './resident.ts';
import { SwapFailed } from './runtime.ts';

/** How long the probe waits before it asks again, ms. */
const PROBE_PAUSE_MS = 50;

export type Stage = 'starting' | 'probing';

export interface SwapParts {
  readonly old: Resident | undefined;
  readonly candidate: Resident;
  readonly cause: SwapFigures['cause'];
  readonly prepareMs: number;
  readonly onStage: (stage: Stage) => void;
  /** Sends every new call to this one from now on. */
  readonly switchTo: (resident: Resident) => void;
  /** Calls of the app that no instance had to do with, so far. */
  readonly lostCalls: () => number;
  readonly now: () => number;
}

const isFault = (error: unknown): error is FaultError => error instanceof FaultError;

/** Asks until the answer is yes. A candidate that traps or hangs is not asked again. */
async function probe(candidate: Resident, withinMs: number, now: () => number): Promise<void> {
  const until = now() + withinMs;
  for (;;) {
    try {
      return await candidate.check();
    } catch (error) {
      if (!isFault(error) || error.fault.kind !== 'probe-failed') throw error;
      const left = until - now();
      // A command has given its answer; it would not change.
      if (left <= 0 || candidate.spec.world === 'command') throw error;
      await pause(Math.min(left, PROBE_PAUSE_MS));
    }
  }
}

async function moveState(from: Resident, to: Resident): Promise<void> {
  const snapshot = await from.ask({ name: 'save' });
  if (snapshot !== undefined) await to.ask({ name: 'restore', snapshot });
}

/**
 * Moves what waits for `from` to `to`, and all that is still to come. Answers how long no instance took
 * calls meanwhile, ms.
 */
function change(
  from: Resident | undefined,
  to: Resident,
  switchTo: (resident: Resident) => void,
  now: () => number,
): number {
  const started = now();
  const work = from?.takeWork() ?? [];
  switchTo(to);
  to.adopt(work);
  return from === undefined ? 0 : now() - started;
}

/** Brings the last state over while work waits, then changes over. Answers the gap, ms. */
async function changeWithState(old: Resident, parts: SwapParts): Promise<number> {
  const { candidate, now } = parts;
  const started = now();
  old.hold();
  try {
    await old.idle();
    await moveState(old, candidate);
    change(old, candidate, parts.switchTo, now);
    return now() - started;
  } finally {
    old.resume();
  }
}

/**
 * Resolves once the candidate serves and the old one has finished its last call. Rejects with
 * `SwapFailed`, the old one serving as before; the candidate is then the caller's to discard.
 */
export async function swap(parts: SwapParts): Promise<SwapFigures> {
  const { old, candidate, cause, prepareMs, onStage, now } = parts;
  const lostBefore = parts.lostCalls();
  const reached: Partial<Record<'startMs' | 'probeMs' | 'gapMs' | 'drainMs', number>> = {};
  const figures = (): SwapFigures => ({
    cause,
    prepareMs,
    ...reached,
    lostCalls: parts.lostCalls() - lostBefore,
  });
  /** A stage that fails was reached, too. */
  const timed = async <T>(stage: keyof typeof reached, run: () => Promise<T>): Promise<T> => {
    const started = now();
    try {
      return await run();
    } finally {
      reached[stage] = now() - started;
    }
  };
  try {
    const carriesState = (): boolean => old !== undefined && old.has('state') && candidate.has('state');
    const doneBefore = old?.workDone;
    onStage('starting');
    await timed('startMs', async () => {
      await candidate.start();
      if (old !== undefined && carriesState()) await moveState(old, candidate);
    });
    onStage('probing');
    await timed('probeMs', () => probe(candidate, candidate.spec.health.probeWithinMs, now));
    const isStale = carriesState() && (old?.workDone !== doneBefore || old?.isBusy === true);
    reached.gapMs =
      old !== undefined && isStale
        ? await changeWithState(old, parts)
        : change(old, candidate, parts.switchTo, now);
    await timed('drainMs', async () => old?.idle());
    return figures();
  } catch (error) {
    throw isFault(error) ? new SwapFailed(error, figures()) : error;
  }
}

export interface WayBack {
  readonly failed: Resident | undefined;
  readonly previous: Resident;
  readonly carryState: boolean;
  readonly switchTo: (resident: Resident) => void;
  readonly now: () => number;
}

/** Sends calls to the previous one again. Answers how long no instance took calls, ms. */
export async function goBack({ failed, previous, carryState, switchTo, now }: WayBack): Promise<number> {
  if (!carryState || failed === undefined || !failed.has('state') || !previous.has('state')) {
    return change(failed, previous, switchTo, now);
  }
  const started = now();
  failed.hold();
  await failed.idle();
  // Whatever goes wrong here, the previous one has a state of its own.
  await moveState(failed, previous).catch(() => undefined);
  change(failed, previous, switchTo, now);
  return now() - started;
}
