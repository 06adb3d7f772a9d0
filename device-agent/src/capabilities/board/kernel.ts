/**
 * The system calls that pins and buses are made of. They go through the process's own symbols, so that a
 * simulator that is preloaded stands in for the kernel; `library` names one that is not preloaded.
 *
 * A call that may block for long (a bus that hangs, a wait for an edge) has a form that does not hold up its
 * thread.
 */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { addonPath, loadAddon } from './native.ts';

export const O_RDWR = 2;
export const O_NOCTTY = 0o400;
export const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;

export const POLLIN = 1;

/** `code` is the system's name of it, such as EBUSY. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly code: string;

  constructor(errno: number, what: string) {
    const code = getSystemErrorName(-errno);
    super(`${what}: ${code}`);
    this.code = code;
  }
}

/** Bytes that stay where they are while a call has their address. */
export const fixed = (length: number): Buffer<ArrayBuffer> => Buffer.from(new ArrayBuffer(length));

interface Waited {
  readonly fd: number;
  readonly events: number;
}

export interface Kernel {
  /** Of an address, bytes: 4 or 8. */
  readonly pointerBytes: number;
  /** Of bytes that are `fixed`. */
  addressOf(bytes: Buffer): bigint;
  open(path: string, flags: number): number;
  close(fd: number): void;
  ioctl(fd: number, request: number, argument: Buffer | number): void;
  /** The same beside this thread; what `argument` points to is kept until then. */
  ioctlLater(fd: number, request: number, argument: Buffer, pointedTo: Buffer[]): Promise<void>;
  /** How many bytes there were; undefined when there is nothing now. */
  read(fd: number, into: Buffer): number | undefined;
  write(fd: number, bytes: Buffer): number | undefined;
  pipe(): readonly [read: number, write: number];
  /** Resolves with those that are ready, beside this thread; with none when `timeoutMs` have passed. */
  poll(waited: readonly Waited[], timeoutMs: number): Promise<Set<number>>;
}

const POLLFD_BYTES = 8;
const { EAGAIN } = constants.errno;

export function openKernel(library: string | null = null, file = addonPath()): Kernel {
  const addon = loadAddon(file);
  const checked = (result: number, what: string): number => {
    if (result < 0) throw new SystemError(-result, what);
    return result;
  };
  const unlessNothing = (result: number, what: string): number | undefined =>
    result === -EAGAIN ? undefined : checked(result, what);
  if (library !== null) checked(addon.use(library), library);

  return {
    pointerBytes: addon.pointerBytes,
    addressOf: (bytes) => addon.address(bytes),
    open: (path, flags) => checked(addon.open(path, flags | O_CLOEXEC), path),
    close: (fd) => void addon.close(fd),
    ioctl: (fd, request, argument) => void checked(addon.ioctl(fd, request, argument), 'ioctl'),
    ioctlLater: async (fd, request, argument, pointedTo) => {
      const result = await addon.ioctlLater(fd, request, argument);
      pointedTo.length = 0;
      checked(result, 'ioctl');
    },
    read: (fd, into) => unlessNothing(addon.read(fd, into), 'read'),
    write: (fd, bytes) => unlessNothing(addon.write(fd, bytes), 'write'),
    pipe: () => {
      const fds = fixed(8);
      checked(addon.pipe(fds, O_NONBLOCK | O_CLOEXEC), 'pipe2');
      return [fds.readInt32LE(0), fds.readInt32LE(4)];
    },
    poll: async (waited, timeoutMs) => {
      const fds = fixed(waited.length * POLLFD_BYTES);
      waited.forEach(({ fd, events }, index) => {
        fds.writeInt32LE(fd, index * POLLFD_BYTES);
        fds.writeInt16LE(events, index * POLLFD_BYTES + 4);
      });
      checked(await addon.pollLater(fds, waited.length, timeoutMs), 'poll');
      const isReady = (index: number): boolean => fds.readInt16LE(index * POLLFD_BYTES + 6) !== 0;
      return new Set(waited.flatMap(({ fd }, index) => (isReady(index) ? [fd] : [])));
    },
  };
}
