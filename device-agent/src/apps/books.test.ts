/** The small parts that count: latencies, budgets, rates, pauses. */
import { describe, expect, it } from 'vitest';
import { Calls, Rate, type Answer } from './calls.ts';
import { Latency } from './latency.ts';
import { LogBudget } from './log-budget.ts';
import { pauseAfter } from './pause.ts';

describe('latencies', () => {
  it('are quantiles to within 5 %, and begin anew after they are taken', () => {
    const latency = new Latency();
    for (let ms = 1; ms <= 1000; ms += 1) latency.add(ms);
    const { p50, p90, p99 } = latency.take()!;
    for (const [found, exact] of [[p50, 500] as const, [p90, 900] as const, [p99, 990] as const]) {
      expect(Math.abs(found / exact - 1)).toBeLessThan(0.05);
    }
    expect(latency.take()).toBeUndefined();
  });

  it('of nothing and of years fit', () => {
    const latency = new Latency();
    latency.add(0);
    latency.add(1e15);
    expect(latency.take()!.p50).toBeGreaterThan(0);
  });
});

describe('a log budget', () => {
  it('admits whole lines up to its bytes, and again in the next minute', () => {
    const budget = new LogBudget(10);
    expect(budget.admits('12345678', 0)).toBe(true);
    expect(budget.admits('1', 1)).toBe(false);
    expect(budget.admits('', 2)).toBe(true);
    expect(budget.admits('', 59_999)).toBe(false);
    expect(budget.takeDropped()).toBe(2);
    expect(budget.takeDropped()).toBe(0);
    expect(budget.admits('123456789', 60_000)).toBe(true);
  });

  it('counts bytes, not characters', () => expect(new LogBudget(4).admits('éé', 0)).toBe(false));
});

describe('a rate', () => {
  it('lets a short burst through and then spaces calls', () => {
    const rate = new Rate(1000);
    const burst = Array.from({ length: 50 }, () => rate.take(0));
    expect(burst.every((wait) => wait === 0)).toBe(true);
    expect(rate.take(0)).toBeCloseTo(1);
    expect(rate.take(1)).toBe(0);
    expect(rate.take(1)).toBeGreaterThan(0);
  });

  it('below one in a while still lets one through', () => {
    const rate = new Rate(1);
    expect(rate.take(0)).toBe(0);
    expect(rate.take(0)).toBeCloseTo(1000);
    expect(rate.take(1000)).toBe(0);
  });
});

describe('waiting calls', () => {
  const call = (name: 'tick' | 'check', answers: Answer[] = []) => ({
    call: { name },
    isControl: name === 'check',
    done: (answer: Answer) => void answers.push(answer),
  });

  it('of control go first, also while work is held', () => {
    const calls = new Calls(1000);
    const [work, control] = [call('tick'), call('check')];
    calls.add(work);
    calls.add(control);
    calls.isHeld = true;
    expect(calls.next(0)).toBe(control);
    expect(calls.next(0)).toBeUndefined();
    calls.isHeld = false;
    expect(calls.next(0)).toBe(work);
  });

  it('are bounded: one too many is answered at once', () => {
    const calls = new Calls(1000);
    const answers: Answer[] = [];
    for (let count = 0; count < 1025; count += 1) calls.add(call('tick', answers));
    expect(answers).toMatchObject([{ status: 'fault', isAnswered: false }]);
  });
});

it('pauses after failures grow, and end growing', () => {
  expect([0, 1, 2, 3, 4, 5, 100].map(pauseAfter)).toEqual([0, 0, 0, 1000, 2000, 4000, 60_000]);
});
