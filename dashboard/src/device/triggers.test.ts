import { expect, test } from 'vitest';
import { triggersText } from './triggers.ts';

test('what has an app run is told in one phrase', () => {
  expect(triggersText({ everyMs: 1500 })).toBe('every 1.5 s');
  expect(triggersText({ cron: '0 6 * * *' })).toBe('at 0 6 * * * (UTC)');
  expect(triggersText({ cron: '@daily', timeZone: 'Europe/Vienna' })).toBe('at @daily (Europe/Vienna)');
  expect(triggersText({ keepRunning: true })).toBe('all the time, as a service');
  expect(triggersText({})).toBeUndefined();
});
