import { expect, it } from 'vitest';
import { parseComparison, parseFaultRules, parseTimeouts } from './rules.ts';

it('a damaged signature stops a rollout whatever other rules are typed', () => {
  expect(parseFaultRules(['link=5%,trap=3'])).toEqual([
    { kind: 'signature', count: 1 },
    { kind: 'link', percent: 5 },
    { kind: 'trap', count: 3 },
  ]);
});

it('unless its own rule is typed', () => {
  expect(parseFaultRules(['signature=2'])).toEqual([{ kind: 'signature', count: 2 }]);
});

it('a kind may have a count and a share', () => {
  expect(parseFaultRules(['link=5%', 'link=20'])).toContainEqual({ kind: 'link', percent: 5, count: 20 });
});

it('rules that are none are refused', () => {
  expect(() => parseFaultRules(['link'])).toThrow(/NAME=VALUE/);
  expect(() => parseFaultRules(['link=many'])).toThrow(/--fault takes a whole number/);
});

it('health is compared by the measures that are named', () => {
  expect(parseComparison('memory=50%,latency=100,faults=2,devices=5')).toEqual({
    memoryPercent: 50,
    latencyPercent: 100,
    faultPoints: 2,
    minDevices: 5,
  });
  expect(() => parseComparison('size=3')).toThrow(/"size" is none of memory, latency, faults, devices/);
  expect(() => parseComparison('toString=3')).toThrow(/is none of/);
});

it('timeouts are minutes for stages', () => {
  expect(parseTimeouts(['downloading=60', 'soaking=30,queued=5'])).toEqual({
    downloading: 60,
    soaking: 30,
    queued: 5,
  });
});
