/** Processor time of processes, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs';

/** Of the clock in /proc; 100 on every Linux that there is today. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  readonly ms: number;
}

/** Undefined for a process that is gone. Children that have ended and were waited for count with it. */
function statOf(pid: number): Stat | undefined {
  try {
    // The name may hold anything, and ends at the last parenthesis.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    const ticks = fields.slice(11, 15).reduce((sum, each) => sum + each, 0);
    return { parent, ms: (ticks * 1000) / TICKS_PER_SECOND };
  } catch {
    return undefined;
  }
}

/** ms of the processor that the process and everything below it has used. */
export function cpuMsOf(pid: number): number {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const stats = new Map(all.map((each) => [each, statOf(each)]));
  const isBelow = (each: number): boolean => {
    for (let at = each; at > 1; at = stats.get(at)?.parent ?? 0) if (at === pid) return true;
    return false;
  };
  return all.filter(isBelow).reduce((sum, each) => sum + (stats.get(each)?.ms ?? 0), 0);
}
