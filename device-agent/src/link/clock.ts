/**
 * Time for a board that may have no clock: never earlier than the day this agent was built, nor
 * than the last instant at which signed metadata verified. Expiry is judged by this clock, so
 * setting a board back in time does not bring expired metadata back to life.
 *
 * A board that starts in 1970 still cannot open a TLS session (certificates are judged by the
 * system clock); a signed time answer is the place to solve that.
 */
import { join } from 'node:path';
import { systemClock, type Clock } from '@wafer/protocol';
import { z } from 'zod';
import { SlotFile } from '../state/slots.ts';

/** When this agent's sources were cut, ms since 1970. */
const BUILD_TIME = Date.UTC(2026, 10, 21);

const Floor = z.strictObject({ verifiedAt: z.number().int().min(0) });

/** Steps smaller than this are not worth a write to flash. */
const WORTH_WRITING_MS = 60_000;

export interface FloorClock extends Clock {
  /** Signed metadata verified at this instant, so time is at least this. */
  verified(at: number): Promise<void>;
}

export async function openClock(folder: string, system: Clock = systemClock): Promise<FloorClock> {
  const slots = await SlotFile.open(join(folder, 'clock'), Floor, { verifiedAt: 0 });
  return {
    now: () => Math.max(BUILD_TIME, slots.value.verifiedAt, system.now()),
    async verified(at) {
      if (at - slots.value.verifiedAt > WORTH_WRITING_MS) await slots.write({ verifiedAt: Math.floor(at) });
    },
  };
}
