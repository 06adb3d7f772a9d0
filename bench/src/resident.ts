/** What a process holds of memory, as Linux counts it. */
import { readFileSync } from 'node:fs';

/** MB of 2^20 bytes, which is what process tools mean by it. */
export interface Resident {
  /** Everything that is in memory, pages of program files included. */
  readonly all: number;
  /** Of that, what is the process's own: no other shares it, and no file has it. */
  readonly own: number;
  /** Pages of files, shared with every other process that runs the same program. */
  readonly file: number;
}

/** Throws where there is no /proc, or no such process. */
export function residentOf(pid: number): Resident {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mb = (key: string): number => {
    const found = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text);
    if (found === null) throw new Error(`the system does not say ${key}`);
    return Number(found[1]) / 1024;
  };
  const all = mb('Rss');
  const own = mb('Anonymous');
  return { all, own, file: all - own };
}
