import type { AppName, Fault } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { Pressure } from './pressure.ts';

const MIB = 2 ** 20;
const app = (name: string) => name as AppName;

/** A board with 24 MiB in reserve, whose memory and time are the test's. */
function board(guests: Record<string, number>) {
  const self = {
    now: 0,
    availableMiB: 200,
    stalled: 0,
    isTranspiling: false,
    ended: [] as string[],
    faults: [] as Fault[],
    freed: 0,
  };
  const pressure = new Pressure({
    sensor: () => ({ availableBytes: self.availableMiB * MIB, totalBytes: 512 * MIB, stalled: self.stalled }),
    reserveBytes: 24 * MIB,
    guests: () => Object.entries(guests).map(([name, mib]) => ({ app: app(name), memoryBytes: mib * MIB })),
    endTranspiler: () => {
      const was = self.isTranspiling;
      self.isTranspiling = false;
      return was;
    },
    relieve: (name, fault) => {
      self.ended.push(name);
      self.faults.push(fault);
      delete guests[name];
    },
    freed: () => (self.freed += 1),
    now: () => self.now,
  });
  const pass = (ms: number) => {
    self.now += ms;
    pressure.tick();
  };
  return Object.assign(self, { pressure, pass });
}

describe('a board whose memory runs out', () => {
  it('loses its largest guest first, with the figures, and the next only when that was not enough', () => {
    const here = board({ small: 2, large: 24, middle: 8 });
    here.pass(1000);
    expect(here.ended).toEqual([]);
    here.availableMiB = 12.5;
    here.pass(1000);
    expect(here.ended).toEqual(['large']);
    expect(here.faults).toEqual([
      {
        kind: 'memory-limit',
        message:
          'The board ran short of memory (12.5 MiB of 512.0 MiB were left, 24.0 MiB are kept free), so large, the largest guest with 24.0 MiB, was ended. It is started again when memory is free.',
        subject: 'board memory',
      },
    ]);
    here.pass(250);
    expect(here.ended).toEqual(['large']);
    here.pass(2000);
    expect(here.ended).toEqual(['large', 'middle']);
  });

  it('starts nothing before twice the reserve is free, and ends nobody meanwhile', () => {
    const here = board({ large: 24, small: 2 });
    here.availableMiB = 10;
    here.pass(1000);
    here.availableMiB = 40;
    here.pass(5000);
    expect(here.pressure.isShort).toBe(true);
    expect(here.ended).toEqual(['large']);
    here.availableMiB = 48;
    here.pass(1000);
    expect([here.pressure.isShort, here.freed]).toEqual([false, 1]);
  });

  it('ends the transpiler before any guest', () => {
    const here = board({ one: 4 });
    Object.assign(here, { availableMiB: 10, isTranspiling: true });
    here.pass(1000);
    here.pass(1000);
    expect([here.ended, here.isTranspiling]).toEqual([[], false]);
    here.pass(1000);
    expect(here.ended).toEqual(['one']);
  });

  it('is short as well when everything waits for memory, though some is said to be left', () => {
    const here = board({ one: 4 });
    Object.assign(here, { availableMiB: 80, stalled: 0.3 });
    here.pass(1000);
    expect(here.ended).toEqual(['one']);
  });

  it('is not short for waiting while there is plenty', () => {
    const here = board({ one: 4 });
    here.stalled = 0.9;
    here.pass(1000);
    expect(here.ended).toEqual([]);
  });

  it('leaves guests alone that hold nothing', () => {
    const here = board({ none: 0 });
    here.availableMiB = 1;
    here.pass(1000);
    expect([here.ended, here.pressure.isShort]).toEqual([[], true]);
  });
});
