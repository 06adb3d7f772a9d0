import { expect, it } from 'vitest';
import { Pace } from './pace.ts';

const LIMITS = { tokensPerSecond: 100, burst: 10, bytesPerToken: 1000 };

it('lets a burst pass at once, then asks to wait in proportion', () => {
  const pace = new Pace(LIMITS, { now: () => 0 });
  const waits = Array.from({ length: 12 }, () => pace.take(0));
  expect(waits).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 20]);
});

it('charges for bytes', () => {
  const pace = new Pace(LIMITS, { now: () => 0 });
  expect(pace.take(9000)).toBe(0);
  expect(pace.take(9000)).toBe(100);
});

it('forgives with time, up to the burst, and is not confused by a clock that goes back', () => {
  let now = 0;
  const pace = new Pace(LIMITS, { now: () => now });
  pace.take(9000);
  now = 1_000_000;
  expect(pace.take(9000)).toBe(0);
  now = 0;
  expect(pace.take(0)).toBe(10);
});
