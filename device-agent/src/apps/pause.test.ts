import { FaultError, Limits } from '@wafer/protocol';
import { expect, it } from 'vitest';
import { Outgoing } from './outgoing.ts';
import { Falls, pauseAfter } from './pause.ts';

function fallen(times: number) {
  const falls = new Falls();
  const told: string[] = [];
  const events = {
    fault: ({ fault }: FaultError) => void told.push(fault.kind),
    repeated: () => void told.push('repeated'),
    refused: () => undefined,
    notice: () => undefined,
    worked: () => undefined,
    allowance: () => new Outgoing().allowance(Limits.parse({}), 0),
  };
  const fall = (): number => {
    const pauseMs = falls.fell(0);
    falls.tell(new FaultError('trap', 'ouch'), events);
    return pauseMs;
  };
  const pauses = Array.from({ length: times }, fall);
  return { falls, told, pauses, fall };
}

it('the first failures cost no pause, then the pause doubles up to a cap', () => {
  expect(fallen(5).pauses).toEqual([0, 0, 1000, 2000, 4000]);
  expect(pauseAfter(9)).toBe(60_000);
  expect(pauseAfter(1_000_000)).toBe(60_000);
});

it('a row of failures is told as one crash loop', () => {
  expect(fallen(6).told).toEqual(['trap', 'trap', 'crash-loop', 'repeated', 'repeated', 'repeated']);
});

it('after a recovery the next row is told anew', () => {
  const { falls, told, fall } = fallen(4);
  expect(falls.crashLoop(0)).toEqual({ failures: 4, nextTryInMs: 2000 });
  falls.rose();
  expect(falls.crashLoop(0)).toBeUndefined();
  fall();
  fall();
  expect(fall()).toBe(1000);
  expect(told.slice(4)).toEqual(['trap', 'trap', 'crash-loop']);
});
