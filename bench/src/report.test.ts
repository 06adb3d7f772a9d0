import { describe, expect, it } from 'vitest';
import { median, quantile, report, type Result } from './report.ts';

const result = (ours: number): Result => ({
  bench: 'b',
  workload: 'w',
  figures: [{ name: 'f', unit: 'ms', ours, peers: { peer: 9 }, limit: 1, goal: 5, better: 'lower' }],
  missing: { other: 'not installed' },
});

describe('a report', () => {
  it('ends with one line of JSON that says which goals were met', () => {
    const lines: string[] = [];
    expect(report(result(4), (line) => lines.push(line))).toBe(true);
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({
      bench: 'b',
      figures: [{ name: 'f', ours: 4, peers: { peer: 9 }, limit: 1, met: true }],
      missing: { other: 'not installed' },
    });
    expect(lines.slice(0, -1).join('\n')).toContain('missing: other (not installed)');
  });

  it('fails when a goal was not met', () => {
    expect(report(result(6), () => undefined)).toBe(false);
  });
});

describe('quantiles', () => {
  it('are by nearest rank, whatever the order', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(quantile([4, 2, 1, 3], 0.99)).toBe(4);
    expect(median([])).toBeNaN();
  });
});
