/** A child that the kernel is to end first when memory runs out: its work can be done again, the agent's cannot. */
import { writeFileSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';

/** Of -1000 to 1000; whoever has the most goes first. Everybody may raise what is his. */
const FIRST = '1000';

export function makeExpendable({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, FIRST);
  } catch {
    // It has ended already, or this is no Linux.
  }
}
