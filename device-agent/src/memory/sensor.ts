/**
 * What Linux says of memory: what the board has available, what the agent's own cgroup still allows (of
 * either version; a unit's MemoryMax is one), and for how much of the last ten seconds everything waited
 * for memory. What a system does not say is left out.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseMemAvailable } from '../health.ts';

export interface MemoryReading {
  /** Until the kernel would have to end a process, bytes. */
  readonly availableBytes: number;
  /** Of the board, or of the cgroup where that is less. */
  readonly totalBytes: number;
  /** 0 to 1. */
  readonly stalled: number;
}

/** Undefined where the system says nothing. */
export type MemorySensor = () => MemoryReading | undefined;

type Read = (path: string) => string | undefined;

const readText: Read = (path) => {
  // Each second some of them are not there: an error each would cost more than looking.
  if (!existsSync(path)) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** `full avg10` of /proc/pressure/memory, 0 to 1. */
export function parseStalled(pressure: string): number {
  const found = /^full avg10=([\d.]+)/m.exec(pressure);
  return found === null ? 0 : Number(found[1]) / 100;
}

interface Files {
  readonly limit: string;
  readonly usage: string;
  /** In memory.stat: pages of files that go before any process has to. */
  readonly inactive: RegExp;
}

const VERSION_1: Files = {
  limit: 'memory.limit_in_bytes',
  usage: 'memory.usage_in_bytes',
  inactive: /^total_inactive_file (\d+)$/m,
};
const VERSION_2: Files = { limit: 'memory.max', usage: 'memory.current', inactive: /^inactive_file (\d+)$/m };

/** The folder of the cgroup that bounds this process, and how its files are named. */
function cgroupOf(own: string): { folder: string; files: Files } | undefined {
  const first = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(own);
  if (first !== null) return { folder: `/sys/fs/cgroup/memory${first[1]}`, files: VERSION_1 };
  const second = /^0::(.*)$/m.exec(own);
  return second === null ? undefined : { folder: `/sys/fs/cgroup${second[1]}`, files: VERSION_2 };
}

/** What a cgroup leaves; undefined when it has no limit. */
function withinCgroup(read: Read): Omit<MemoryReading, 'stalled'> | undefined {
  const cgroup = cgroupOf(read('/proc/self/cgroup') ?? '');
  if (cgroup === undefined) return undefined;
  const { folder, files } = cgroup;
  const totalBytes = Number(read(`${folder}/${files.limit}`) ?? NaN);
  // No limit is the word `max`, or a number that no machine has.
  if (!Number.isFinite(totalBytes) || totalBytes > 2 ** 50) return undefined;
  const used = Number(read(`${folder}/${files.usage}`) ?? NaN);
  const inactive = Number(files.inactive.exec(read(`${folder}/memory.stat`) ?? '')?.[1] ?? 0);
  if (!Number.isFinite(used)) return undefined;
  return { availableBytes: Math.max(0, totalBytes - used + inactive), totalBytes };
}

/** `read` answers a file's text, or undefined where there is none. */
export function readMemory(read: Read = readText): MemoryReading | undefined {
  const meminfo = read('/proc/meminfo') ?? '';
  const available = parseMemAvailable(meminfo);
  const total = /^MemTotal:\s+(\d+) kB$/m.exec(meminfo);
  if (available === undefined || total === null) return undefined;
  const board = { availableBytes: available, totalBytes: Number(total[1]) * 1024 };
  const own = withinCgroup(read);
  const stalled = parseStalled(read('/proc/pressure/memory') ?? '');
  return { ...(own !== undefined && own.availableBytes < board.availableBytes ? own : board), stalled };
}
