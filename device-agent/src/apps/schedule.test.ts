import { nextRun } from '@wafer/protocol/schedule';
import { describe, expect, it } from 'vitest';
import { Schedule } from './schedule.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOON = Date.UTC(2027, 2, 1, 12);

/** Every five minutes, begun at noon. */
const fiveMinutes = (): Schedule => new Schedule((after) => nextRun({ cron: '*/5 * * * *' }, after), NOON);

/** The instants, in minutes after noon, at which it ticks when it is asked at these. */
const ticks = (schedule: Schedule, minutes: readonly number[]): number[] =>
  minutes.filter((minute) => schedule.isDue(NOON + minute * MINUTE));

describe('a schedule', () => {
  it('ticks at its instants and not between', () => {
    expect(ticks(fiveMinutes(), [0, 1, 4.9, 5, 5.1, 9.9, 10, 15])).toEqual([5, 10, 15]);
  });

  it('asks to be looked at again when it is due, and now and then before', () => {
    const schedule = fiveMinutes();
    expect(schedule.waitMs(NOON)).toBe(30_000);
    expect(schedule.waitMs(NOON + 5 * MINUTE - 700)).toBe(700);
    expect(schedule.waitMs(NOON + 6 * MINUTE)).toBe(1);
  });

  it('makes up for what was passed, once, however many instants it was', () => {
    expect(ticks(fiveMinutes(), [1, 31, 31.1, 34, 35])).toEqual([31, 35]);
  });

  it('passes over what was due more than an hour ago: the clock was wrong before', () => {
    expect(ticks(fiveMinutes(), [1, 300.5, 304, 305])).toEqual([305]);
  });

  it('does not tick twice at an instant that the clock was put back over', () => {
    expect(ticks(fiveMinutes(), [5, 4.5, 5, 5.5, 9, 10])).toEqual([5, 10]);
  });

  it('begins anew when the clock was put back by more than an hour', () => {
    expect(ticks(fiveMinutes(), [5, -180, -176, -175])).toEqual([5, -175]);
  });

  it('that is never due again is only looked at', () => {
    const schedule = new Schedule(() => undefined, NOON);
    expect(schedule.isDue(NOON + HOUR)).toBe(false);
    expect(schedule.waitMs(NOON)).toBe(30_000);
  });
});
