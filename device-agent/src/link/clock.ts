/**
 * Time for a board that may have no clock: the latest of
 *
 * - the day of this agent's release;
 * - the last instant at which signed metadata verified;
 * - the system's clock, unless the system says that nothing keeps it right;
 * - the server's last signed answer (timekeeper.ts), which moves on by the monotonic clock.
 *
 * Expiry is judged by this clock, so setting a board back in time does not bring expired metadata
 * back to life. Forward it could be led by a clock that is wrong, or by a stolen director key, which
 * costs updates but runs nothing. Only instants at which all metadata verified are kept, so that can
 * outlast a boot at most up to the expiry that publishers signed into root and targets.
 *
 * It is never later than the true time, unless somebody above is wrong, so it can tell of a certificate
 * that it has expired: that is how a board that starts in 1970 opens its first TLS session (secure.ts).
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { systemClock, type Clock } from '@wafer/protocol';
import { z } from 'zod';
import { RELEASE } from '../release.ts';
import { SlotFile } from '../state/slots.ts';
import { systemSaysSynchronised } from './synchronised.ts';

/** ms since 1970. */
const RELEASE_TIME = Date.parse(RELEASE.day);

const Floor = z.strictObject({ verifiedAt: z.number().int().min(0) });

/** Steps smaller than this are not worth a write to flash. */
const WORTH_WRITING_MS = 60_000;

export interface FloorClock extends Clock {
  /** Signed metadata verified at this instant, so time is at least this. */
  verified(at: number): Promise<void>;
}

export interface TrustedClock extends FloorClock {
  /** The server said, just now and verified, that it is this late, ms since 1970. */
  answered(at: number): void;
  /** Asks the system anew whether its clock is kept right. Never rejects. */
  sample(): Promise<void>;
}

interface ClockOptions extends Clock {
  /** ms; never steps. */
  readonly monotonic?: () => number;
  /** Undefined when the system cannot tell: then its clock counts. */
  readonly isSynchronised?: () => Promise<boolean | undefined>;
}

export async function openClock(folder: string, system: ClockOptions = systemClock): Promise<TrustedClock> {
  const { monotonic = () => performance.now(), isSynchronised = systemSaysSynchronised } = system;
  const slots = await SlotFile.open(join(folder, 'clock'), Floor, { verifiedAt: 0 });
  let isSystemRight = (await isSynchronised()) !== false;
  /** It was this late at this reading of the monotonic clock. */
  let known = { at: Math.max(RELEASE_TIME, slots.value.verifiedAt), reading: monotonic() };
  const sinceKnown = (): number => Math.floor(known.at + monotonic() - known.reading);
  return {
    now: () => Math.max(sinceKnown(), slots.value.verifiedAt, isSystemRight ? system.now() : 0),
    async verified(at) {
      if (at - slots.value.verifiedAt > WORTH_WRITING_MS) await slots.write({ verifiedAt: Math.floor(at) });
    },
    answered(at) {
      if (at > sinceKnown()) known = { at, reading: monotonic() };
    },
    async sample() {
      isSystemRight = (await isSynchronised()) !== false;
    },
  };
}
