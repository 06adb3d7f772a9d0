/**
 * The few things that a store does to the disk, each complete when it returns. They are an argument of
 * the store, so that a test can end the process at every one of them.
 */
import { randomInt } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';

export interface Disk {
  readonly makeFolder: (path: string) => void;
  readonly open: (path: string, flags: 'a' | 'w' | 'r') => number;
  readonly close: (file: number) => void;
  /** The whole file; undefined when there is none. */
  readonly read: (path: string) => Buffer | undefined;
  readonly write: (file: number, bytes: Uint8Array) => void;
  readonly truncate: (file: number, length: number) => void;
  readonly sync: (file: number) => void;
  readonly rename: (from: string, to: string) => void;
  readonly remove: (path: string) => void;
  /** Any number of 32 bits that nobody can foresee. */
  readonly drawMark: () => number;
}

export const disk: Disk = {
  makeFolder: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
  open: (path, flags) => openSync(path, flags, 0o600),
  close: closeSync,
  read: (path) => {
    try {
      return readFileSync(path);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },
  write: (file, bytes) => {
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
  },
  truncate: ftruncateSync,
  sync: fsyncSync,
  rename: renameSync,
  remove: (path) => rmSync(path, { force: true }),
  drawMark: () => randomInt(2 ** 32),
};
