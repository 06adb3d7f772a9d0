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
    expect(budget.admits('123456789', 70_000)).toBe(true);
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

  const limited = (limits: { callsPerSecond?: number; queueLength?: number } = {}) => {
    const board = { now: 0, over: [] as string[] };
    const calls = new Calls({
      limits: { callsPerSecond: 1000, queueLength: 256, ...limits },
      now: () => board.now,
      onOver: ({ fault }) => board.over.push(`${fault.kind} ${fault.subject}`),
    });
    return { board, calls };
  };

  it('of control go first, also while work is held', () => {
    const { calls } = limited();
    const [work, control] = [call('tick'), call('check')];
    calls.add(work);
    calls.add(control);
    calls.isHeld = true;
    expect(calls.next(0)).toBe(control);
    expect(calls.next(0)).toBeUndefined();
    calls.isHeld = false;
    expect(calls.next(0)).toBe(work);
  });

  it('are bounded: one too many is answered at once, and told', () => {
    const { board, calls } = limited({ queueLength: 3 });
    const answers: Answer[] = [];
    for (let count = 0; count < 5; count += 1) calls.add(call('tick', answers));
    const fault = expect.objectContaining({ kind: 'queue-limit', subject: 'queueLength' });
    const refused = { status: 'fault', isAnswered: false, fault: { fault } };
    expect(answers).toMatchObject([refused, refused]);
    expect(board.over).toEqual(Array(2).fill('queue-limit queueLength'));
    expect([calls.takeMostWaiting(), calls.takeMostWaiting()]).toEqual([3, 3]);
    calls.takeWork();
    calls.takeMostWaiting();
    expect(calls.takeMostWaiting()).toBe(0);
  });

  it('hold no more of the memory than they may, and give it back', () => {
    const { board, calls } = limited({ queueLength: 10_000 });
    const answers: Answer[] = [];
    const done = (answer: Answer) => void answers.push(answer);
    const message = { name: 'handle', topic: 'x', payload: new Uint8Array(64 * 1024) } as const;
    const add = () => calls.add({ call: message, isControl: false, done });
    for (let count = 0; count < 65; count += 1) add();
    expect(board.over).toEqual(['queue-limit queueLength']);
    const work = calls.takeWork();
    expect(work).toHaveLength(64);
    add();
    calls.putFirst(work.slice(0, 63));
    expect(calls.next(0)).toBe(work[0]);
    add();
    expect(board.over).toHaveLength(1);
    add();
    expect(board.over).toHaveLength(2);
  });

  it('over the rate are told once for each second in which they are, and none is lost', () => {
    const { board, calls } = limited({ callsPerSecond: 10 });
    for (let count = 0; count < 10; count += 1) calls.add(call('tick'));
    expect(board.over).toEqual([]);
    for (let count = 0; count < 5; count += 1) calls.add(call('tick'));
    expect(board.over).toEqual(['calls-limit callsPerSecond']);
    for (let count = 0; count < 50; count += 1) calls.add(call('check'));
    expect(board.over).toHaveLength(1);
    board.now = 1000;
    for (let count = 0; count < 11; count += 1) calls.add(call('tick'));
    expect(board.over).toHaveLength(2);
    expect(calls.takeWork()).toHaveLength(26);
  });
});

it('pauses after failures grow, and end growing', () => {
  expect([0, 1, 2, 3, 4, 5, 100].map(pauseAfter)).toEqual([0, 0, 0, 1000, 2000, 4000, 60_000]);
});
