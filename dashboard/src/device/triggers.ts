/** When an app runs, for people. */
import type { Triggers } from '@wafer/protocol/desired';
import { milliseconds } from '../format/time.ts';

/** Undefined where nothing but messages, or its start, has it run. */
export function triggersText({ everyMs, cron, timeZone = 'UTC', keepRunning }: Triggers): string | undefined {
  if (everyMs !== undefined) return `every ${milliseconds(everyMs)}`;
  if (cron !== undefined) return `at ${cron} (${timeZone})`;
  return keepRunning === true ? 'all the time, as a service' : undefined;
}
