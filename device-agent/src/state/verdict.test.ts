import { FAULT_KINDS, HealthRule, Version } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import type { ReleaseFigures } from '../apps/runtime.ts';
import { compare, isSoundAfter } from './verdict.ts';

const MIB = 1024 * 1024;
const figures = (changes: Partial<ReleaseFigures> = {}): ReleaseFigures => ({
  version: Version.parse('1.0.0'),
  calls: 100,
  faults: 0,
  p90Ms: 6.6,
  memoryBytes: 8 * MIB,
  ...changes,
});
const verdict = (now: Partial<ReleaseFigures>, rule: Partial<HealthRule> = {}, before = figures()) =>
  compare(HealthRule.parse(rule), figures({ version: Version.parse('1.1.0'), ...now }), before);

describe('a release that soaks', () => {
  it('does well when it does as the one before', () => {
    expect(verdict({})).toBeUndefined();
  });

  it('may be slower by as much as its rule allows, and no more', () => {
    expect(verdict({ p90Ms: 33 })).toBeUndefined();
    expect(verdict({ p90Ms: 41 })).toEqual({
      kind: 'unhealthy',
      message: 'p90 latency 41 ms, 6.2 times the 6.6 ms of 1.0.0; the rule allows 5 times',
      subject: 'maxLatencyPercent',
    });
    expect(verdict({ p90Ms: 41 }, { maxLatencyPercent: 700 })).toBeUndefined();
  });

  it('may take more memory by as much as its rule allows, and no more', () => {
    expect(verdict({ memoryBytes: 32 * MIB })).toBeUndefined();
    expect(verdict({ memoryBytes: 41 * MIB })).toEqual({
      kind: 'unhealthy',
      message: 'memory 41 MiB, 5.1 times the 8 MiB of 1.0.0; the rule allows 4 times',
      subject: 'maxMemoryPercent',
    });
  });

  it('may fault more often by as much as its rule allows, and no more', () => {
    expect(verdict({ faults: 5 })).toBeUndefined();
    const before = figures({ calls: 1000, faults: 5 });
    expect(verdict({ faults: 12 }, {}, before)).toEqual({
      kind: 'unhealthy',
      message: '12 faults in 100 calls, 11.5 more than the 0.5 of 1.0.0; the rule allows 5 more',
      subject: 'maxFaultRisePercent',
    });
  });

  it('is not blamed for what is small, however often it is the figure before', () => {
    const before = figures({ p90Ms: 0.02, memoryBytes: MIB / 16 });
    expect(verdict({ p90Ms: 4.9, memoryBytes: 3.9 * MIB }, {}, before)).toBeUndefined();
  });

  it('is not judged before both have been called often enough', () => {
    const bad = { p90Ms: 5000, faults: 19, calls: 19 };
    expect(verdict(bad)).toBeUndefined();
    expect(verdict({ ...bad, calls: 20 })).toMatchObject({ kind: 'unhealthy' });
    expect(verdict({ ...bad, calls: 1000 }, {}, figures({ calls: 19 }))).toBeUndefined();
    expect(verdict(bad, { compareAfterCalls: 10 })).toMatchObject({ kind: 'unhealthy' });
  });
});

it('the state of a release that goes back is believed after what says nothing against its memory', () => {
  expect(FAULT_KINDS.filter(isSoundAfter)).toEqual([
    'link',
    'disk',
    'capability-denied',
    'policy',
    'calls-limit',
    'queue-limit',
    'log-limit',
    'store-limit',
    'messages-limit',
    'bytes-limit',
  ]);
});
