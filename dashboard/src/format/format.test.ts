import { describe, expect, test } from 'vitest';
import { bytes, counted, percent, perSecond } from './quantity.ts';
import { ago, milliseconds, span } from './time.ts';

describe('times in words', () => {
  test('an instant is named by the largest unit that has passed', () => {
    const cases: [number, string][] = [
      [0, 'now'],
      [12_400, '12 s ago'],
      [59_999, '59 s ago'],
      [60_000, '1 min ago'],
      [3_600_000, '1 h ago'],
      [49 * 3_600_000, '2 d ago'],
    ];
    for (const [passed, text] of cases) expect(ago(1_000_000, 1_000_000 + passed)).toBe(text);
  });

  test('an instant of a clock that runs ahead reads as now, not as the future', () => {
    expect(ago(10_000, 4000)).toBe('now');
  });

  test('an uptime shows its two largest units and leaves out zeros', () => {
    expect(span(0)).toBe('0 s');
    expect(span(75)).toBe('1 min 15 s');
    expect(span(3 * 86_400 + 4 * 3600 + 59)).toBe('3 d 4 h');
    expect(span(86_400 + 59)).toBe('1 d');
  });

  test('a latency keeps its figures whatever its size', () => {
    expect([0, 0.004, 0.124, 3.25, 24.4, 1840, 61_000].map(milliseconds)).toEqual([
      '0 ms',
      '0.01 ms',
      '0.12 ms',
      '3.3 ms',
      '24 ms',
      '1.8 s',
      '61 s',
    ]);
  });
});

describe('amounts with units', () => {
  test('bytes use binary units and at most three figures', () => {
    expect([0, 512, 1024, 1_044_058, 16 * 2 ** 20, 7.6 * 2 ** 30].map(bytes)).toEqual([
      '0 B',
      '512 B',
      '1 KiB',
      '1020 KiB',
      '16 MiB',
      '7.6 GiB',
    ]);
  });

  test('small shares keep a decimal so that an idle board does not read as 0', () => {
    expect([0, 0.004, 0.12, 1].map(percent)).toEqual(['0 %', '0.4 %', '12 %', '100 %']);
  });

  test('counts agree with their noun', () => {
    expect([counted(1, 'device'), counted(2300, 'device')]).toEqual(['1 device', '2,300 devices']);
    expect(perSecond(1.004)).toBe('1/s');
  });
});
