import { describe, expect, it } from 'vitest';
import { cellsOf, stretch } from './bar.ts';

const cells = (width: number, ...counts: number[]) =>
  cellsOf(
    counts.map((count, of) => ({ of, count })),
    width,
  ).map(({ of, count }) => `${of}:${count}`);

describe('a bar', () => {
  it('is divided in proportion', () => {
    expect(cells(20, 10, 5, 5)).toEqual(['0:10', '1:5', '2:5']);
  });
  it('shows one failed device of ten thousand', () => {
    expect(cells(20, 9999, 1)).toEqual(['0:19', '1:1']);
    expect(cells(10, 1, 100_000, 1, 1)).toEqual(['0:1', '1:7', '2:1', '3:1']);
  });
  it('leaves out what there is none of', () => {
    expect(cells(20, 0, 3, 0)).toEqual(['1:20']);
    expect(cells(20, 0, 0)).toEqual([]);
  });
  it('is as wide as it was asked for, however parts are rounded', () => {
    for (let first = 1; first < 40; first += 1)
      for (let second = 0; second < 40; second += 3)
        expect(
          cellsOf(
            [first, second, 7].map((count, of) => ({ of, count })),
            20,
          ).reduce((sum, { count }) => sum + count, 0),
        ).toBe(20);
  });
});

describe('a stretch of devices', () => {
  it('stands at its place among all', () => {
    expect(stretch({ from: 0, length: 5, of: 20 }, 8)).toBe('██······');
    expect(stretch({ from: 5, length: 15, of: 20 }, 8)).toBe('··██████');
  });
  it('is seen, however small, and is not there without devices', () => {
    expect(stretch({ from: 9999, length: 1, of: 10_000 }, 8)).toBe('·······█');
    expect(stretch({ from: 10, length: 0, of: 20 }, 8)).toBe('········');
  });
});
