import { expect, it } from 'vitest';
import { swapText } from './swap-facts.ts';

it('a swap says why it was made, what it cost and how long its stages took', () => {
  const text = swapText({
    cause: 'rollback',
    prepareMs: 0,
    startMs: 12,
    probeMs: 3,
    gapMs: 1,
    drainMs: 2,
    lostCalls: 1,
  });
  expect(text.cause).toBe('a rollback');
  expect(text.cost).toMatch(/^gap 1.*ms, 1 lost call$/);
  expect(text.stages).toMatch(/^prepare .*, start .*, probe .*, drain /);
});

it('a swap that failed in its start has nothing to say of what comes after', () => {
  const text = swapText({ cause: 'release', prepareMs: 0, startMs: 12, lostCalls: 0 });
  expect(text.cost).toBe('0 lost calls');
  expect(text.stages).not.toMatch(/probe|drain/);
});
