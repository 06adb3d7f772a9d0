/**
 * The system calls that pins and buses are made of. They go through the process's own symbols, so that a
 * simulator that is preloaded stands in for the kernel; `library` names one that is not preloaded.
 *
 * A call that may block for long (a bus that hangs, a wait for an edge) has a form that does not hold up its
 * thread.
 */
import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';
import { loadKoffi } from './native.ts';

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

export function openKernel(library: string | null = null): Kernel {
  const koffi = loadKoffi();
  const symbols = koffi.load(library);
  const own = library === null ? symbols : koffi.load(null);
  const c = {
    open: symbols.func('int open(const char *path, int flags, unsigned int mode)'),
    close: symbols.func('int close(int fd)'),
    ioctl: symbols.func('int ioctl(int fd, unsigned long request, void *argument)'),
    ioctlNumber: symbols.func('int ioctl(int fd, unsigned long request, intptr_t argument)'),
    poll: symbols.func('int poll(void *fds, unsigned long count, int timeout)'),
    read: own.func('intptr_t read(int fd, void *bytes, size_t length)'),
    write: own.func('intptr_t write(int fd, const void *bytes, size_t length)'),
    pipe: own.func('int pipe2(void *fds, int flags)'),
  };
  const failed = (what: string): SystemError => new SystemError(koffi.errno(), what);
  const later = (call: (typeof c)['ioctl'], what: string, ...args: unknown[]): Promise<number> =>
    new Promise((resolve, reject) => {
      call.async(...args, (error: unknown, result: number) => {
        if (error instanceof Error) reject(error);
        else if (result < 0) reject(failed(what));
        else resolve(result);
      });
    });
  const count = (result: number, what: string): number | undefined => {
    if (result >= 0) return result;
    if (koffi.errno() === constants.errno.EAGAIN) return undefined;
    throw failed(what);
  };

  return {
    pointerBytes: koffi.sizeof('void *'),
    addressOf: (bytes) => koffi.address(bytes),
    open: (path, flags) => {
      const fd = c.open(path, flags | O_CLOEXEC, 0) as number;
      if (fd < 0) throw failed(path);
      return fd;
    },
    close: (fd) => void c.close(fd),
    ioctl: (fd, request, argument) => {
      const call = typeof argument === 'number' ? c.ioctlNumber : c.ioctl;
      if ((call(fd, request, argument) as number) < 0) throw failed('ioctl');
    },
    ioctlLater: async (fd, request, argument, pointedTo) => {
      await later(c.ioctl, 'ioctl', fd, request, argument);
      pointedTo.length = 0;
    },
    read: (fd, into) => count(Number(c.read(fd, into, into.length)), 'read'),
    write: (fd, bytes) => count(Number(c.write(fd, bytes, bytes.length)), 'write'),
    pipe: () => {
      const fds = fixed(8);
      if ((c.pipe(fds, O_NONBLOCK | O_CLOEXEC) as number) < 0) throw failed('pipe2');
      return [fds.readInt32LE(0), fds.readInt32LE(4)];
    },
    poll: async (waited, timeoutMs) => {
      const fds = fixed(waited.length * POLLFD_BYTES);
      waited.forEach(({ fd, events }, index) => {
        fds.writeInt32LE(fd, index * POLLFD_BYTES);
        fds.writeInt16LE(events, index * POLLFD_BYTES + 4);
      });
      await later(c.poll, 'poll', fds, waited.length, timeoutMs);
      const isReady = (index: number): boolean => fds.readInt16LE(index * POLLFD_BYTES + 6) !== 0;
      return new Set(waited.flatMap(({ fd }, index) => (isReady(index) ? [fd] : [])));
    },
  };
}
