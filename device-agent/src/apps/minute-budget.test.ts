import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MinuteBudget } from './minute-budget.ts';

describe('a budget of a minute', () => {
  it('admits up to its limit, and again when the minute is surely over', () => {
    const budget = new MinuteBudget(10);
    expect([budget.admits(6, 0), budget.admits(4, 30_000), budget.admits(1, 30_001)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(budget.admits(1, 60_000)).toBe(false);
    expect(budget.admits(6, 70_000)).toBe(true);
    expect(budget.admits(1, 70_000)).toBe(false);
    expect(budget.admits(10, 1_000_000)).toBe(true);
  });

  it('admits nothing that is larger than it, and all of nothing', () => {
    expect(new MinuteBudget(10).admits(11, 0)).toBe(false);
    expect(new MinuteBudget(0).admits(0, 0)).toBe(true);
    expect(new MinuteBudget(0).admits(1, 0)).toBe(false);
  });

  it('goes on in another thread with what was spent in the first', () => {
    const first = new MinuteBudget(10);
    first.spend(4, 5000);
    first.spend(3, 25_000);
    const second = new MinuteBudget(10, first.spent(25_000));
    expect(second.fits(4, 1)).toBe(false);
    expect(second.fits(3, 1)).toBe(true);
    // The four, of 20 s before, come back first.
    expect(second.fits(7, 50_001)).toBe(true);
    expect(second.fits(8, 50_001)).toBe(false);
  });

  it('never admits more than its limit in any minute, whenever it is asked', () => {
    const asked = fc.array(fc.record({ after: fc.nat(20_000), amount: fc.integer({ min: 1, max: 40 }) }));
    fc.assert(
      fc.property(asked, (steps) => {
        const budget = new MinuteBudget(100);
        const spent: { at: number; amount: number }[] = [];
        let now = 0;
        for (const { after, amount } of steps) {
          now += after;
          if (budget.admits(amount, now)) spent.push({ at: now, amount });
          const inWindow = spent.filter(({ at }) => at > now - 60_000);
          expect(inWindow.reduce((sum, one) => sum + one.amount, 0)).toBeLessThanOrEqual(100);
        }
      }),
    );
  });
});
