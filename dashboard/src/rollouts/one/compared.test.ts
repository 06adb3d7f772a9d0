import { expect, test } from 'vitest';
import { compared } from './compared.ts';

const side = (faultPercent: number | null, latencyMs: number | null, memoryBytes: number | null) => ({
  devices: 5,
  faultPercent,
  latencyMs,
  memoryBytes,
});

test('what is beyond the gate’s limit is worse; what the gate does not ask about is not judged', () => {
  const sides = { updated: side(7, 1.1, 3000), others: side(1, 1, 1000) };
  const rows = compared(sides, { faultPoints: 5, latencyPercent: 20, minDevices: 3 });
  expect(rows.map(({ what, more, isJudged, isWorse }) => [what, more, isJudged, isWorse])).toEqual([
    ['faults', '+6 points, at most +5', true, true],
    ['latency', '+10 %, at most +20', true, false],
    ['memory', '+200 %', false, false],
  ]);
});

test('nothing is said where one side said nothing, or there is nothing to be more than', () => {
  const sides = { updated: side(null, 3, 5), others: side(1, 0, null) };
  const rows = compared(sides, { latencyPercent: 1, minDevices: 3 });
  expect(rows.map(({ more }) => more)).toEqual([null, null, null]);
});
