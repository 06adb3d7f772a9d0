import { describe, expect, it } from 'vitest';
import { nextRun, triggersProblem } from './schedule.ts';

const at = (iso: string): number => Date.parse(iso);
const next = (cron: string, after: string, timeZone?: string): string | undefined => {
  const due = nextRun({ cron, timeZone }, at(after));
  return due === undefined ? undefined : new Date(due).toISOString();
};

describe('a cron expression', () => {
  it('has minutes in UTC unless told otherwise', () => {
    expect(next('*/15 * * * *', '2027-03-01T10:07:00Z')).toBe('2027-03-01T10:15:00.000Z');
    expect(next('0 3 * * *', '2027-01-10T12:00:00Z', 'Europe/Berlin')).toBe('2027-01-11T02:00:00.000Z');
  });

  it('may have seconds', () => {
    expect(next('*/10 * * * * *', '2027-03-01T10:07:01Z')).toBe('2027-03-01T10:07:10.000Z');
  });

  it('is due after the instant that is asked about, not at it', () => {
    expect(next('0 * * * *', '2027-03-01T10:00:00Z')).toBe('2027-03-01T11:00:00.000Z');
  });

  it('is due once on the days when clocks change', () => {
    const zone = 'Europe/Berlin';
    // Forward at 01:00 UTC on 28 March 2027: there is no 02:30.
    expect(next('30 2 * * *', '2027-03-28T00:10:00Z', zone)).toBe('2027-03-28T01:00:00.000Z');
    expect(next('30 2 * * *', '2027-03-28T01:00:00Z', zone)).toBe('2027-03-29T00:30:00.000Z');
    // Back at 01:00 UTC on 31 October 2027: 02:30 comes twice.
    const first = next('30 2 * * *', '2027-10-30T22:00:00Z', zone);
    expect(first).toBe('2027-10-31T00:30:00.000Z');
    expect(next('30 2 * * *', first!, zone)).toBe('2027-11-01T01:30:00.000Z');
  });
});

describe('triggers', () => {
  it.each([
    [{}],
    [{ everyMs: 1000 }],
    [{ keepRunning: true }],
    [{ cron: '0 0 29 2 *' }],
    [{ cron: '@daily', timeZone: 'America/New_York' }],
  ])('%j are well', (triggers) => {
    expect(triggersProblem(triggers, 'command')).toBeUndefined();
  });

  it.each([
    [{ cron: '61 * * * *' }, 'cron: "61 * * * *" is not understood: Invalid value for minute: 61'],
    [{ cron: '* * *' }, 'cron: "* * *" is not understood'],
    [{ cron: '0 0 30 2 *' }, 'cron: "0 0 30 2 *" is never due'],
    [{ cron: '@reboot' }, 'not supported'],
    [{ cron: '2027-01-01T00:00:00' }, 'is a date'],
    [{ cron: '* * * * *', timeZone: 'Mars/Base' }, 'timeZone: "Mars/Base" is no IANA time zone'],
    [{ timeZone: 'UTC' }, 'timeZone: it says where a cron expression is meant'],
  ])('%j are refused by key, with the reason', (triggers, says) => {
    expect(triggersProblem(triggers)).toContain(says);
  });

  it('keep no reactor running, which stays anyway', () => {
    expect(triggersProblem({ keepRunning: true }, 'reactor')).toContain('keepRunning: it is for commands');
  });
});
