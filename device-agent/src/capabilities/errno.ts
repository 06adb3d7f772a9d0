/** From what Linux answers to what wasi:filesystem calls it. */
import { WitError } from './host.ts';

const CODES = {
  EACCES: 'access',
  EAGAIN: 'would-block',
  EALREADY: 'already',
  EBADF: 'bad-descriptor',
  EBUSY: 'busy',
  EDEADLK: 'deadlock',
  EDQUOT: 'quota',
  EEXIST: 'exist',
  EFBIG: 'file-too-large',
  EILSEQ: 'illegal-byte-sequence',
  EINTR: 'interrupted',
  EINVAL: 'invalid',
  EIO: 'io',
  EISDIR: 'is-directory',
  ELOOP: 'loop',
  EMFILE: 'quota',
  EMLINK: 'too-many-links',
  ENAMETOOLONG: 'name-too-long',
  ENODEV: 'no-device',
  ENOENT: 'no-entry',
  ENFILE: 'quota',
  ENOLCK: 'no-lock',
  ENOMEM: 'insufficient-memory',
  ENOSPC: 'insufficient-space',
  ENOTDIR: 'not-directory',
  ENOTEMPTY: 'not-empty',
  ENOTSUP: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  ENOTTY: 'no-tty',
  ENXIO: 'no-such-device',
  EOVERFLOW: 'overflow',
  EPERM: 'not-permitted',
  EPIPE: 'pipe',
  EROFS: 'read-only',
  ESPIPE: 'invalid-seek',
  ETXTBSY: 'text-file-busy',
  EXDEV: 'cross-device',
} as const;

export type ErrorCode = (typeof CODES)[keyof typeof CODES];

/** The system's name of an error, such as ENOENT, where it is the file system's. */
export const errno = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** What to throw for an error of a system call; other errors are thrown as they are. */
export function asWitError(error: unknown): unknown {
  const name = errno(error);
  if (name === undefined || !name.startsWith('E') || name.startsWith('ERR_')) return error;
  return new WitError<ErrorCode>(Object.hasOwn(CODES, name) ? CODES[name as keyof typeof CODES] : 'io');
}

/** Runs system calls; their errors leave it as WIT errors. */
export function systemCalls<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw asWitError(error);
  }
}

/** A path that would leave the folder it is beneath. */
export class LeadsOut extends WitError<ErrorCode> {
  constructor() {
    super('not-permitted');
  }
}

export const fail = (code: ErrorCode): WitError<ErrorCode> => new WitError(code);
