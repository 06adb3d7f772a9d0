/**
 * Cron expressions: which are understood, and when they are due. Publisher, server and device read them
 * here, so that what one accepts the others do. It stands apart from the index, because a device loads
 * the parser only when an app has such a trigger.
 *
 * Five fields (minute hour day month weekday), or six with seconds first; names, ranges, steps, `L`, `W`
 * and `#` as croner has them, `@daily` and its like too. Where clocks are put forward, an instant that
 * there is not that day is due when the gap ends; where they are put back, one that there is twice is due
 * once, unless the expression names an interval.
 */
import { Cron } from 'croner';
import type { Triggers } from './desired.ts';
import type { World } from './release.ts';

export interface Schedule {
  readonly cron: string;
  /** IANA name; default UTC. */
  readonly timeZone?: string | undefined;
}

const parse = ({ cron, timeZone = 'UTC' }: Schedule): Cron =>
  new Cron(cron, { paused: true, mode: '5-or-6-parts', timezone: timeZone });

/** The first instant after `afterMs` (ms since 1970) at which it is due; undefined when there is none. */
export const nextRun = (schedule: Schedule, afterMs: number): number | undefined =>
  parse(schedule).nextRun(new Date(afterMs))?.getTime();

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** What is wrong with it, beginning with the key; undefined when nothing is. */
export function cronProblem({ cron, timeZone }: Schedule): string | undefined {
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    return `timeZone: "${timeZone}" is no IANA time zone known here; write it as Europe/Berlin, or leave it out for UTC`;
  }
  // croner takes dates too, which are no expressions.
  if (/^\s*\d{4}-/.test(cron)) return `cron: "${cron}" is a date; an expression has five or six fields`;
  try {
    // The same answer at any time of asking: the calendar repeats within the years from here.
    const due = nextRun({ cron, timeZone }, Date.UTC(2026, 0, 1));
    return due === undefined ? `cron: "${cron}" is never due` : undefined;
  } catch (error) {
    const why = (error as Error).message.replace(/^Cron\w+: /, '');
    return `cron: "${cron}" is not understood: ${why}`;
  }
}

/**
 * What is wrong with triggers, beginning with the key; undefined when nothing is. `world` is that of the
 * component, where it is known.
 */
export function triggersProblem(triggers: Triggers, world?: World): string | undefined {
  const { cron, timeZone, keepRunning } = triggers;
  if (keepRunning === true && world === 'reactor') {
    return 'keepRunning: it is for commands; a reactor stays anyway';
  }
  if (cron === undefined) {
    return timeZone === undefined
      ? undefined
      : 'timeZone: it says where a cron expression is meant, and there is none';
  }
  return cronProblem({ cron, timeZone });
}
