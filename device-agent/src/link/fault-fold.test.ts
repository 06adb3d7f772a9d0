import { AppName, Version, type FaultKind } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { FaultFold } from './fault-fold.ts';

const version = Version.parse('1.0.0');
const fault = (kind: FaultKind, subject?: string, app = 'thermo') => ({
  app: AppName.parse(app),
  version,
  fault: { kind, message: `of ${subject}`, ...(subject === undefined ? {} : { subject }) },
});

/** `kind subject ×count` of all that is due. */
function taken(fold: FaultFold, now: number): string[] {
  const told = fold.take(now);
  if (told === undefined) return [];
  return [`${told.fault.kind} ${told.fault.subject} ×${told.count}`, ...taken(fold, now)];
}

describe('faults that repeat', () => {
  it('are told at once, and then once a minute with their number', () => {
    const fold = new FaultFold();
    expect(fold.add(fault('capability-denied', 'filesystem /a'), 1)).toBe(true);
    expect(taken(fold, 0)).toEqual(['capability-denied filesystem /a ×1']);
    for (let time = 0; time < 5; time += 1) {
      expect(fold.add(fault('capability-denied', 'filesystem /a'), 2)).toBe(false);
    }
    expect(taken(fold, 59_999)).toEqual([]);
    expect(taken(fold, 60_000)).toEqual(['capability-denied filesystem /a ×10']);
    expect(taken(fold, 120_000)).toEqual([]);
    expect(fold.add(fault('capability-denied', 'filesystem /a'), 1)).toBe(true);
  });

  it('are told apart by kind, subject and app', () => {
    const fold = new FaultFold();
    fold.add(fault('capability-denied', 'filesystem /a'), 1);
    fold.add(fault('capability-denied', 'filesystem /b'), 1);
    fold.add(fault('trap'), 1);
    fold.add(fault('trap', undefined, 'pulse'), 1);
    expect(taken(fold, 0)).toHaveLength(4);
  });

  it('of a guest that makes up subjects are told apart up to a number, and all of them counted', () => {
    const fold = new FaultFold();
    for (let index = 0; index < 5000; index += 1) fold.add(fault('capability-denied', `topic ${index}`), 1);
    const told = taken(fold, 0);
    expect(told).toHaveLength(9);
    expect(told.at(-1)).toBe('capability-denied others ×4992');
    expect(fold.add(fault('trap'), 1)).toBe(true);
  });

  it('of one app do not keep those of another waiting', () => {
    const fold = new FaultFold();
    for (let index = 0; index < 8; index += 1) fold.add(fault('capability-denied', `topic ${index}`), 1);
    fold.add(fault('trap', undefined, 'pulse'), 1);
    expect([fold.take(0), fold.take(0)].map((told) => told?.app)).toEqual(['thermo', 'pulse']);
  });

  it('never take more than so much room, whatever there is of versions', () => {
    const fold = new FaultFold();
    for (let index = 0; index < 3000; index += 1) {
      fold.add({ ...fault('trap', 'x'), version: Version.parse(`1.${index}.0`) }, 1);
    }
    const counts: number[] = [];
    for (let told = fold.take(0); told !== undefined; told = fold.take(0)) counts.push(told.count);
    expect(counts.reduce((sum, count) => sum + count)).toBe(3000);
    expect(counts.length).toBeLessThan(3000);
  });
});
