/** What a change of the running instance cost, for people. */
import type { SwapFigures } from '@wafer/protocol/messages';
import { counted } from '../format/quantity.ts';
import { milliseconds } from '../format/time.ts';

const CAUSES: Readonly<Record<SwapFigures['cause'], string>> = {
  release: 'a release',
  start: 'a start of the agent',
  restart: 'a restart',
  rollback: 'a rollback',
};

/** A swap that failed has no figures for the stages that it did not reach. */
const named = (name: string, ms: number | undefined): string[] =>
  ms === undefined ? [] : [`${name} ${milliseconds(ms)}`];

export interface SwapText {
  readonly cause: string;
  /** What callers saw of it. */
  readonly cost: string;
  readonly stages: string;
}

export const swapText = (swap: SwapFigures): SwapText => ({
  cause: CAUSES[swap.cause],
  cost: [...named('gap', swap.gapMs), counted(swap.lostCalls, 'lost call')].join(', '),
  stages: [
    ...named('prepare', swap.prepareMs),
    ...named('start', swap.startMs),
    ...named('probe', swap.probeMs),
    ...named('drain', swap.drainMs),
  ].join(', '),
});
