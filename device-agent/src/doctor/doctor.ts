/**
 * `doctor`: what is wrong with this board, and what to do about it. Each check looks at one thing, changes
 * nothing, needs no running agent, and answers one line; one that throws has failed. Run as the user that
 * the agent runs as, it sees what the agent sees.
 *
 *   system   Node, the clock, room on disk and in memory      service   the unit, the agent's own release
 *   tested   the self-test
 *   fleet    enrolment, certificate, metadata, broker         devices   what the granted devices allow
 */
import type { Clock } from '@wafer/protocol';
import { reason } from '../log.ts';
import { devices } from './devices.ts';
import { broker, certificate, enrolment, metadata } from './fleet.ts';
import { ownRelease, unit } from './service.ts';
import { tested } from './tested.ts';
import { clockIsRight, disk, memory, node } from './system.ts';

type Verdict = 'ok' | 'warn' | 'fail';

export interface Finding {
  readonly verdict: Verdict;
  readonly detail: string;
  /** What to do. */
  readonly advice?: string;
}

/** Undefined: there is nothing to look at here. */
export type Check = (board: Looked) => Promise<Finding | undefined> | Finding | undefined;

/** What checks look at. */
export interface Looked {
  /** The agent's data folder. */
  readonly folder: string;
  readonly clock: Clock;
}

const CHECKS = {
  node,
  clock: clockIsRight,
  disk,
  memory,
  selfTest: tested,
  enrolment,
  certificate,
  metadata,
  broker,
  unit,
  release: ownRelease,
  devices,
} satisfies Record<string, Check>;

export interface Examined extends Finding {
  readonly check: string;
}

/** In the order in which a person would look. */
export async function examine(
  board: Looked,
  checks: Readonly<Record<string, Check>> = CHECKS,
): Promise<Examined[]> {
  const found: Examined[] = [];
  for (const [check, look] of Object.entries(checks)) {
    const finding = await findingOf(look, board);
    if (finding !== undefined) found.push({ check, ...finding });
  }
  return found;
}

async function findingOf(look: Check, board: Looked): Promise<Finding | undefined> {
  try {
    return await look(board);
  } catch (error) {
    return { verdict: 'fail', detail: reason(error).split('\n')[0] ?? '' };
  }
}

export const isHealthy = (found: readonly Examined[]): boolean =>
  found.every(({ verdict }) => verdict !== 'fail');

export const doctorText = (found: readonly Examined[]): string =>
  found
    .map(({ check, verdict, detail, advice }) => {
      const line = `${verdict.padEnd(4)}  ${check.padEnd(12)} ${detail}`;
      return advice === undefined ? `${line}\n` : `${line}\n${' '.repeat(19)}→ ${advice}\n`;
    })
    .join('');
