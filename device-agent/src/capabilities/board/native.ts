/**
 * The addon with the system calls (../../../native/board.c), for the architecture that runs: beside the files
 * of a built agent, else among the sources.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { NATIVES } from '../../programs.ts';

/** Numbers below zero are the system's errors. */
export interface Addon {
  /** Bytes of an address. */
  readonly pointerBytes: number;
  use(library: string): number;
  open(path: string, flags: number): number;
  close(fd: number): number;
  ioctl(fd: number, request: number, argument: Buffer | number): number;
  read(fd: number, bytes: Buffer): number;
  write(fd: number, bytes: Buffer): number;
  pipe(fds: Buffer, flags: number): number;
  address(bytes: Buffer): bigint;
  ioctlLater(fd: number, request: number, argument: Buffer): Promise<number>;
  pollLater(fds: Buffer, count: number, timeoutMs: number): Promise<number>;
}

const NAME = `${process.platform}-${process.arch}/board.node`;

/** Where it lies. Only the main thread knows where its own program does. */
export const addonPath = (): string => fileURLToPath(new URL(NAME, NATIVES));

/** Throws where it is missing, or with what the dynamic linker said of it. */
export function loadAddon(path: string): Addon {
  if (existsSync(path)) return createRequire(path)(path) as Addon;
  throw new Error(`the agent was installed without native/${NAME}, which pins and buses need`);
}
