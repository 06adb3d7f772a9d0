/**
 * Counts what was refused or went wrong, by reason, and logs each reason at most once in ten
 * seconds, so that a device that misbehaves fills a counter and not a disk.
 */
import { Seconds, type Clock } from '@wafer/protocol';
import type { FastifyBaseLogger } from 'fastify';

const QUIET = Seconds(10);

export interface Tally {
  /** `fields` go to the log line, with the number of those that were not logged. */
  count(reason: string, fields?: Readonly<Record<string, unknown>>): void;
  /** How often each reason was counted since the start. */
  counts(): Readonly<Record<string, number>>;
}

export function createTally(log: FastifyBaseLogger, clock: Clock): Tally {
  const reasons = new Map<string, { total: number; logged: number; at: number }>();
  return {
    count(reason, fields = {}) {
      const entry = reasons.get(reason) ?? { total: 0, logged: 0, at: Number.NEGATIVE_INFINITY };
      reasons.set(reason, entry);
      entry.total += 1;
      if (clock.now() - entry.at < QUIET) return;
      log.warn({ ...fields, count: entry.total - entry.logged }, reason);
      entry.logged = entry.total;
      entry.at = clock.now();
    },
    counts: () => Object.fromEntries([...reasons].map(([reason, { total }]) => [reason, total])),
  };
}
