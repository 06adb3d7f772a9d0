/** System calls on open files, in the terms of wasi:filesystem. */
import { createHash } from 'node:crypto';
import { constants, readSync, writeSync, type BigIntStats } from 'node:fs';
import { asWitError, errno } from './errno.ts';
import { WitError } from './host.ts';
import { IoError, streamFailed } from './io.ts';

export interface DescriptorFlags {
  read?: boolean;
  write?: boolean;
  fileIntegritySync?: boolean;
  dataIntegritySync?: boolean;
  requestedWriteSync?: boolean;
  mutateDirectory?: boolean;
}

export interface OpenFlags {
  create?: boolean;
  directory?: boolean;
  exclusive?: boolean;
  truncate?: boolean;
}

/** One read moves at most this, bytes. */
const MAX_READ_BYTES = 64 * 1024;

/** What was read last. Fresh memory for each read would be some hundred megabytes before V8 collects them. */
const latest = new Uint8Array(MAX_READ_BYTES);

/** Never through a link, never a terminal of ours, never blocking: no deadline ends a system call. */
const ALWAYS = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

const flag = (isSet: boolean | undefined, value: number): number => (isSet === true ? value : 0);

function accessMode({ read, write }: DescriptorFlags): number {
  if (write !== true) return constants.O_RDONLY;
  return read === true ? constants.O_RDWR : constants.O_WRONLY;
}

/** Flags for open(2). */
export const openMode = (open: OpenFlags, flags: DescriptorFlags, isFolder: boolean): number =>
  accessMode(flags) |
  ALWAYS |
  flag(open.create, constants.O_CREAT) |
  flag(open.exclusive, constants.O_EXCL) |
  flag(open.truncate, constants.O_TRUNC) |
  flag(open.directory === true || isFolder, constants.O_DIRECTORY) |
  flag(flags.fileIntegritySync, constants.O_SYNC) |
  flag(flags.dataIntegritySync, constants.O_DSYNC);

/** Two numbers that are equal for the same file and tell nothing else about it. */
export function identity({ dev, ino }: BigIntStats): { lower: bigint; upper: bigint } {
  const digest = createHash('sha256').update(`${dev}:${ino}`).digest();
  return { lower: digest.readBigUInt64LE(0), upper: digest.readBigUInt64LE(8) };
}

/** Devices without positions are read and written where they are. */
function positioned(run: (position: number | null) => number, position: bigint): number {
  try {
    return run(Number(position));
  } catch (error) {
    if (errno(error) === 'ESPIPE') return run(null);
    throw error;
  }
}

/** The bytes hold until the next read; the bindings copy them into the guest's memory at once. */
export function readAt(fd: number, length: number, offset: bigint): Uint8Array {
  const buffer = latest.subarray(0, Math.min(length, MAX_READ_BYTES));
  const count = positioned((position) => readSync(fd, buffer, 0, buffer.length, position), offset);
  return buffer.subarray(0, count);
}

export const writeAt = (fd: number, bytes: Uint8Array, offset: bigint): number =>
  positioned((position) => writeSync(fd, bytes, 0, bytes.length, position), offset);

/** Runs system calls for a stream, where an error is a resource of its own. */
export function streaming<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    const wit = asWitError(error);
    throw wit instanceof WitError ? streamFailed(new IoError(wit.message, String(wit.payload))) : wit;
  }
}
