/** How things that go wrong become faults, and when to try again. */
import { FaultError, type Fault, type FaultKind } from '@wafer/protocol';
import { reason } from '../log.ts';

const DISK_CODES = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE']);

/** Whatever is thrown in a step, as a fault; `otherwise` when it does not say what it is. */
export function asFault(error: unknown, otherwise: FaultKind): Fault {
  if (error instanceof FaultError) return error.fault;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const kind = code !== undefined && DISK_CODES.has(code) ? 'disk' : otherwise;
  return { kind, message: reason(error).slice(0, 2000) };
}

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 5 * 60_000;

/** 1 s, 2 s, 4 s … 5 min. */
export const retryDelayMs = (failures: number): number =>
  Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 20));

/** Failures in a row after which a fault is called a crash loop. */
export const CRASH_LOOP_AFTER = 5;
