/** Metadata of files as wasi:filesystem tells it. */
import type { BigIntStats, Dirent } from 'node:fs';

export type DescriptorType =
  | 'unknown'
  | 'block-device'
  | 'character-device'
  | 'directory'
  | 'fifo'
  | 'symbolic-link'
  | 'regular-file'
  | 'socket';

export interface Datetime {
  seconds: bigint;
  nanoseconds: number;
}

export type NewTimestamp = { tag: 'no-change' } | { tag: 'now' } | { tag: 'timestamp'; val: Datetime };

export interface Stat {
  type: DescriptorType;
  linkCount: bigint;
  size: bigint;
  dataAccessTimestamp: Datetime;
  dataModificationTimestamp: Datetime;
  statusChangeTimestamp: Datetime;
}

const NANOSECONDS = 1_000_000_000n;

/** Before 1970 the seconds are floored, so that nanoseconds stay positive; WASI's are unsigned. */
function datetime(nanoseconds: bigint): Datetime {
  const positive = nanoseconds < 0n ? 0n : nanoseconds;
  return { seconds: positive / NANOSECONDS, nanoseconds: Number(positive % NANOSECONDS) };
}

export function typeOf(entry: BigIntStats | Dirent): DescriptorType {
  if (entry.isFile()) return 'regular-file';
  if (entry.isDirectory()) return 'directory';
  if (entry.isSymbolicLink()) return 'symbolic-link';
  if (entry.isCharacterDevice()) return 'character-device';
  if (entry.isBlockDevice()) return 'block-device';
  if (entry.isFIFO()) return 'fifo';
  if (entry.isSocket()) return 'socket';
  return 'unknown';
}

export const describe = (stats: BigIntStats): Stat => ({
  type: typeOf(stats),
  linkCount: stats.nlink,
  size: stats.size,
  dataAccessTimestamp: datetime(stats.atimeNs),
  dataModificationTimestamp: datetime(stats.mtimeNs),
  statusChangeTimestamp: datetime(stats.ctimeNs),
});

/** Seconds, as `utimes` takes them. */
export function utime(wanted: NewTimestamp, currentNs: bigint): number {
  switch (wanted.tag) {
    case 'no-change':
      return Number(currentNs) / 1e9;
    case 'now':
      return Date.now() / 1000;
    case 'timestamp':
      return Number(wanted.val.seconds) + wanted.val.nanoseconds / 1e9;
  }
}
