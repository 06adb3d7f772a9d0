import { describe, expect, it } from 'vitest';
import { parseBlackout, parseInstant, parseWindow } from './hours.ts';

describe('a window', () => {
  it.each([
    ['02:00-06:00', { cron: '0 2 * * *', minutes: 240 }],
    ['22:30-04:00', { cron: '30 22 * * *', minutes: 330 }],
    ['sat,sun 22:00-04:00', { cron: '0 22 * * SAT,SUN', minutes: 360 }],
    ['mon-fri/9:00-9:45@Europe/Berlin', { cron: '0 9 * * MON-FRI', minutes: 45, timeZone: 'Europe/Berlin' }],
    ['0 2 * * *+4h', { cron: '0 2 * * *', minutes: 240 }],
    ['0 2 * * 1#2+90m@Etc/GMT+5', { cron: '0 2 * * 1#2', minutes: 90, timeZone: 'Etc/GMT+5' }],
    ['@daily+1h@UTC', { cron: '@daily', minutes: 60, timeZone: 'UTC' }],
  ])('%s', (typed, window) => {
    expect(parseWindow(typed)).toEqual(window);
  });

  it.each([
    ['', /is no window: write 02:00-06:00/],
    ['02:00', /is no window/],
    ['02:00-02:00', /is no window/],
    ['25:00-26:00', /is no window/],
    ['0 2 * * *', /is no window/],
    ['0 2 * * *+30s', /is no window/],
    ['mon-fry 02:00-04:00', /is not understood/],
    ['61 2 * * *+4h', /is not understood/],
    ['02:00-06:00@Mars/Olympus', /no IANA time zone/],
  ])('%j is none', (typed, why) => {
    expect(() => parseWindow(typed)).toThrow(why);
  });
});

it('a blackout is some days, or one', () => {
  expect(parseBlackout('2026-12-24..2026-12-26')).toEqual({ from: '2026-12-24', to: '2026-12-26' });
  expect(parseBlackout('2026-12-24')).toEqual({ from: '2026-12-24', to: '2026-12-24' });
});

describe('an instant', () => {
  const now = Date.UTC(2026, 10, 21, 9);
  it.each([
    ['2026-12-24T02:00Z', '2026-12-24T02:00:00.000Z'],
    ['2026-12-24T02:00:30+01:00', '2026-12-24T01:00:30.000Z'],
    ['+3h', '2026-11-21T12:00:00.000Z'],
  ])('%s', (typed, instant) => {
    expect(parseInstant('deadline', typed, now)).toBe(instant);
  });
  it.each(['tomorrow', '2026-12-24', '2026-12-24T02:00', '2026-13-24T02:00Z', '+soon'])(
    '%s is none',
    (typed) => {
      expect(() => parseInstant('deadline', typed, now)).toThrow(/is no (instant|duration)/);
    },
  );
});
