import { Gate } from '@wafer/protocol';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { whyTripped, type Tally } from './gate.ts';

interface Numbers {
  readonly devices: number;
  readonly succeeded?: number;
  readonly causes?: Record<string, number>;
  readonly started?: number;
  readonly withdrawn?: number;
  readonly unhealthy?: number;
}

function tally({
  devices,
  succeeded = 0,
  causes = {},
  started = 0,
  withdrawn = 0,
  unhealthy = 0,
}: Numbers): Tally {
  const failed = Object.values(causes).reduce((sum, each) => sum + each, 0);
  const waiting = devices - succeeded - failed - started - withdrawn;
  return { devices, waiting, started, succeeded, failed, withdrawn, causes, unhealthy, zones: {} };
}
const judge = (
  gate: z.input<typeof Gate>,
  numbers: Numbers,
  forgiven: Record<string, number> = {},
): string | undefined => whyTripped(Gate.parse(gate), tally(numbers), forgiven);

describe('the success ratio', () => {
  test('holds while it can still be reached', () =>
    expect(judge({ successPercent: 90 }, { devices: 10, causes: { trap: 1 } })).toBeUndefined());

  test('trips as soon as it cannot, though most have not begun', () =>
    expect(judge({ successPercent: 90 }, { devices: 10, causes: { trap: 2 } })).toBe(
      '2 of 10 failed; 90 % must succeed',
    ));

  test('counts a silent device as failed', () =>
    expect(judge({ successPercent: 100 }, { devices: 10, succeeded: 9, causes: { TIMED_OUT: 1 } })).toMatch(
      '1 of 10 failed',
    ));

  test('leaves out devices that were withdrawn', () => {
    expect(judge({ successPercent: 50 }, { devices: 10, withdrawn: 8, causes: { trap: 1 } })).toBeUndefined();
    expect(judge({ successPercent: 50 }, { devices: 10, withdrawn: 8, causes: { trap: 2 } })).toBeDefined();
  });

  test('of an empty wave is met', () =>
    expect(judge({ successPercent: 100 }, { devices: 0 })).toBeUndefined());
});

describe('errors', () => {
  const loose = { successPercent: 0 };

  test('in number trip at once', () => {
    expect(judge({ ...loose, errorCount: 3 }, { devices: 1000, causes: { trap: 2 } })).toBeUndefined();
    expect(judge({ ...loose, errorCount: 3 }, { devices: 1000, causes: { trap: 2, deadline: 1 } })).toBe(
      '3 failed; 3 stop the rollout',
    );
  });

  test('in percent wait for the minimum of devices', () => {
    const gate = { ...loose, errorPercent: 10, minDevices: 20 };
    expect(judge(gate, { devices: 100, succeeded: 10, causes: { trap: 9 } })).toBeUndefined();
    expect(judge(gate, { devices: 100, succeeded: 11, causes: { trap: 9 } })).toBe(
      '9 of 20 failed; at most 10 % may',
    );
  });

  test('in percent are judged in a wave that is smaller than the minimum when it is over', () => {
    const gate = { ...loose, errorPercent: 10, minDevices: 20 };
    expect(judge(gate, { devices: 5, succeeded: 3, started: 1, causes: { trap: 1 } })).toBeUndefined();
    expect(judge(gate, { devices: 5, succeeded: 4, causes: { trap: 1 } })).toBeDefined();
  });

  test('at just the share that may fail hold', () =>
    expect(
      judge({ ...loose, errorPercent: 10 }, { devices: 10, succeeded: 9, causes: { trap: 1 } }),
    ).toBeUndefined());
});

describe('rules for a kind of fault', () => {
  test('one signature stops everything, by default', () =>
    expect(judge({ successPercent: 0 }, { devices: 5000, succeeded: 4000, causes: { signature: 1 } })).toBe(
      '1 with the fault signature; 1 stop the rollout',
    ));

  test('five percent of link is weather, and counts for no other rule of errors', () => {
    const gate = { successPercent: 0, errorCount: 1, faults: [{ kind: 'link' as const, percent: 5 }] };
    expect(judge(gate, { devices: 100, succeeded: 95, causes: { link: 5 } })).toBeUndefined();
    expect(judge(gate, { devices: 100, succeeded: 94, causes: { link: 6 } })).toMatch('fault link');
    expect(judge(gate, { devices: 100, succeeded: 94, causes: { link: 5, trap: 1 } })).toMatch('1 failed');
  });
});

test('failures that a person accepted count no more, but one more does', () => {
  const gate = { successPercent: 100, errorCount: 1 };
  const forgiven = { trap: 2 };
  expect(judge(gate, { devices: 10, succeeded: 3, causes: { trap: 2 } }, forgiven)).toBeUndefined();
  expect(judge(gate, { devices: 10, succeeded: 3, causes: { trap: 3 } }, forgiven)).toBeDefined();
  expect(judge(gate, { devices: 10, succeeded: 3, causes: { trap: 2, link: 1 } }, forgiven)).toBeDefined();
});

test('devices that fall ill after they succeeded trip it', () => {
  expect(judge({}, { devices: 100, succeeded: 100, unhealthy: 5 })).toBeUndefined();
  expect(judge({}, { devices: 100, succeeded: 100, unhealthy: 6 })).toBe(
    '6 of 100 failed after they had succeeded; at most 5 % may',
  );
});
