/**
 * Maintenance windows and blackout days: whether a device may be started now, in its own time zone. It
 * stands apart from the index for the parser of expressions, as schedule.ts does.
 */
import type { Blackout, Window } from './rollouts.ts';
import { cronProblem, isTimeZone, nextRun } from './schedule.ts';

export interface Hours {
  readonly windows: readonly Window[];
  readonly blackouts: readonly Blackout[];
}

/** What a device says that its time zone is; UTC where it is none that is known here. */
export const zoneOf = (said: string | null | undefined): string =>
  typeof said === 'string' && isTimeZone(said) ? said : 'UTC';

/** YYYY-MM-DD there. */
const dayIn = (timeZone: string, now: number): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(
    now,
  );

/** A window that opened at an instant is open until `minutes` later, that instant not included. */
function isIn({ cron, minutes, timeZone }: Window, zone: string, now: number): boolean {
  const opened = nextRun({ cron, timeZone: timeZone ?? zone }, now - minutes * 60_000);
  return opened !== undefined && opened <= now;
}

/** Whether a device in `zone`, an IANA name, may be started. `now` in ms since 1970. */
export function isOpen({ windows, blackouts }: Hours, zone: string, now: number): boolean {
  if (blackouts.length > 0) {
    const day = dayIn(zone, now);
    if (blackouts.some(({ from, to }) => from <= day && day <= to)) return false;
  }
  return windows.length === 0 || windows.some((window) => isIn(window, zone, now));
}

/** What is wrong with them, beginning with the place; undefined when nothing is. */
export function windowsProblem(windows: readonly Window[]): string | undefined {
  for (const [index, { cron, timeZone }] of windows.entries()) {
    const problem = cronProblem({ cron, timeZone });
    if (problem !== undefined) return `${index}/${problem}`;
  }
  return undefined;
}
