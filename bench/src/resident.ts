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

/** Where the memory is, MB of 2^20 bytes each; together they are what is resident. */
export interface Parts {
  /** Of Node's own program file, code and data. */
  readonly node: number;
  /** Of the system's libraries. */
  readonly libraries: number;
  /** Of the C library's allocator: OpenSSL, the engine's and Node's own structures. */
  readonly allocator: number;
  /** The rest that no file has, most of it the heaps of JavaScript, their code and the threads' stacks. */
  readonly heaps: number;
}

/** `node` is the path of Node's program. Throws as `residentOf` does. */
export function partsOf(pid: number, node: string): Parts {
  const parts = { node: 0, libraries: 0, allocator: 0, heaps: 0 };
  let path = '';
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const mapped = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/.exec(line);
    if (mapped !== null) path = mapped[1]!;
    const found = /^(Rss|Anonymous): +(\d+) kB/.exec(line);
    if (found === null) continue;
    const mb = Number(found[2]) / 1024;
    const file = path === node ? 'node' : 'libraries';
    const own = path === '[heap]' ? 'allocator' : 'heaps';
    if (found[1] === 'Rss') parts[file] += mb;
    else {
      parts[file] -= mb;
      parts[own] += mb;
    }
  }
  return parts;
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
