/**
 * Carries the steps out. `EXECUTORS` is a mapped type over the vocabulary, so a step without an
 * executor does not compile; bring.ts and keep.ts hold the two halves.
 *
 * Every executor writes the journal before it does what cannot be taken back, and after what has
 * happened; whatever it throws as a fault ends the execution (bring) or is reported and tried
 * again later (keep). What the agent reports, it reports through the journal.
 */
import type { Board, Executor, Executors } from './board.ts';
import { bringing } from './bring.ts';
import { keeping } from './keep.ts';
import type { Step, StepName, StepOf } from './steps.ts';

const EXECUTORS: Executors = { ...bringing, ...keeping };

export function apply<K extends StepName>(board: Board, step: StepOf<K>, signal: AbortSignal): Promise<void> {
  board.log('info', 'step', describe(step as Step));
  return (EXECUTORS[step.step] as Executor<K>)(board, step, signal);
}

function describe(step: Step): Record<string, unknown> {
  const order = 'release' in step ? step.release.order : undefined;
  return { step: step.step, app: step.app, version: order?.version, execution: order?.execution };
}
