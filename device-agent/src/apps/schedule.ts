/**
 * What makes a guest tick: an interval of the steady clock, or the instants of a cron expression on the
 * board's wall clock, which may jump.
 *
 * - An instant that was passed while the board slept, or because its clock was put forward, is made up
 *   for, once, if it was less than an hour ago.
 * - An instant that has been ticked at is not ticked at again when the clock is put back over it by less
 *   than an hour.
 * - A clock that moved further than that was wrong before: the schedule begins anew from what it says now.
 */
import type { Triggers } from '@wafer/protocol';

/** Jumps of the wall clock that are made up for, ms. */
const MADE_UP_MS = 3_600_000;

/** The clock is looked at this often while nothing is due, ms: a jump is noticed no later. */
const LOOK_EVERY_MS = 30_000;

export type NextRun = (afterMs: number) => number | undefined;

export class Schedule {
  readonly #nextRun: NextRun;
  #due: number | undefined;
  #lastDue = -Infinity;
  #lastLook: number;

  constructor(nextRun: NextRun, now: number) {
    this.#nextRun = nextRun;
    this.#lastLook = now;
    this.#due = nextRun(now);
  }

  /** Whether to tick now; `now` in ms since 1970. Ask at least as often as `waitMs` says. */
  isDue(now: number): boolean {
    const isBehind = now < this.#lastLook;
    this.#lastLook = now;
    if (isBehind)
      this.#due = this.#nextRun(this.#lastDue - now < MADE_UP_MS ? Math.max(now, this.#lastDue) : now);
    const due = this.#due;
    if (due === undefined || now < due) return false;
    this.#lastDue = due;
    this.#due = this.#nextRun(now);
    return now - due < MADE_UP_MS;
  }

  /** Until it has to be asked again, ms. */
  waitMs(now: number): number {
    const untilDue = this.#due === undefined ? Infinity : this.#due - now;
    return Math.min(LOOK_EVERY_MS, Math.max(1, untilDue));
  }
}

/** Ticks until the answer is called. */
export function startTriggers(triggers: Triggers, tick: () => void, wallNow: () => number): () => void {
  const { everyMs, cron, timeZone } = triggers;
  if (everyMs !== undefined) {
    const timer = setInterval(tick, everyMs);
    return () => clearInterval(timer);
  }
  if (cron === undefined) return () => undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  // The parser is loaded by boards that have something to parse, which few do.
  void import('@wafer/protocol/schedule').then(({ nextRun }) => {
    const schedule = new Schedule((after) => nextRun({ cron, timeZone }, after), wallNow());
    const look = (): void => {
      if (isStopped) return;
      if (schedule.isDue(wallNow())) tick();
      timer = setTimeout(look, schedule.waitMs(wallNow()));
    };
    look();
  });
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
