import { describe, expect, test } from 'vitest';
import { valueAxis } from './axis.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

describe('a value axis', () => {
  test('with fixed ends keeps them and puts round ticks between', () => {
    expect(valueAxis([0.1], { base: 'decimal', bottom: 0, top: 1, least: 1 })).toEqual({
      domain: [0, 1],
      ticks: [0, 0.5, 1],
    });
  });

  test('of bytes ticks on whole binary units, whatever the total', () => {
    const { domain, ticks } = valueAxis([400 * MiB], {
      base: 'binary',
      bottom: 0,
      top: 1.84 * GiB,
      least: 1,
    });
    expect(domain).toEqual([0, 1.84 * GiB]);
    expect(ticks).toEqual([0, 512 * MiB, GiB, 1.5 * GiB]);
  });

  test('that follows the data ends on a round figure above it', () => {
    expect(valueAxis([78 * MiB], { base: 'binary', bottom: 0, least: 16 * MiB }).domain).toEqual([
      0,
      96 * MiB,
    ]);
    expect(valueAxis([0.4, 6.1], { base: 'decimal', bottom: 0, least: 1 })).toEqual({
      domain: [0, 8],
      ticks: [0, 2, 4, 6, 8],
    });
  });

  test('leaves room above the highest value', () => {
    expect(valueAxis([1, 1], { base: 'decimal', bottom: 0, least: 1 }).domain).toEqual([0, 1.5]);
  });

  test('spans at least what is asked, so that nothing at all is a line at the bottom', () => {
    expect(valueAxis([0, 0], { base: 'decimal', bottom: 0, least: 1 }).domain).toEqual([0, 1]);
    expect(valueAxis([], { base: 'decimal', least: 10 }).domain).toEqual([0, 10]);
  });

  test('may begin above zero where only differences matter', () => {
    const { domain } = valueAxis([43.2, 49.8], { base: 'decimal', least: 5 });
    expect(domain).toEqual([42, 50]);
  });
});
