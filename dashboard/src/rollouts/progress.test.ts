import { RolloutView } from '@wafer/protocol/rollout-views';
import { expect, test } from 'vitest';
import { causesOf, currentWave, inWords, isSameSituation, partSegments, totals } from './progress.ts';

const counts = (change: object) => ({
  devices: 10,
  waiting: 0,
  started: 0,
  succeeded: 0,
  failed: 0,
  withdrawn: 0,
  causes: {},
  ...change,
});

const wave = (state: string, change: object = {}) => ({
  name: 'a wave',
  state,
  since: null,
  reason: null,
  devices: { of: 'rest' },
  gate: {},
  counts: counts(change),
});

const view = (change: object = {}): RolloutView =>
  RolloutView.parse({
    id: '0b0e7f8e-9a55-4d0b-8a44-2f5d1f6f9f10',
    number: 1,
    name: 'autumn',
    channel: 'stable',
    state: 'RUNNING',
    reason: null,
    actions: ['pause', 'abort'],
    targets: [],
    movesChannel: true,
    waves: [
      wave('PASSED', { succeeded: 8, failed: 2, causes: { trap: 2 } }),
      wave('RUNNING', { failed: 3, started: 4, waiting: 3, causes: { link: 2, trap: 1 } }),
    ],
    comparison: null,
    devices: 20,
    inFlight: 100,
    windows: [],
    blackouts: [],
    startAt: null,
    deadline: null,
    created: '2026-11-21T10:00:00.000Z',
    createdBy: 'user:ann',
    approvedBy: null,
    reverts: null,
    updated: '2026-11-21T10:00:00.000Z',
    revision: 7,
    ...change,
  });

test('the parts of all waves add up, and are said without those that are none', () => {
  const { waves } = view();
  expect(inWords(partSegments(totals(waves)))).toBe('8 succeeded, 4 under way, 5 failed, 3 waiting');
  expect(causesOf(waves)).toEqual([
    ['trap', 3],
    ['link', 2],
  ]);
  expect(currentWave({ waves })).toBe(1);
});

test('an order is still meant when only devices went on, and not when the rollout or a wave did', () => {
  const seen = view();
  expect(isSameSituation(seen, view({ revision: 12, waves: [wave('PASSED'), wave('RUNNING')] }))).toBe(true);
  expect(isSameSituation(seen, view({ state: 'PAUSED' }))).toBe(false);
  expect(isSameSituation(seen, view({ waves: [wave('PASSED'), wave('TRIPPED')] }))).toBe(false);
  expect(isSameSituation(seen, view({ actions: ['abort'] }))).toBe(false);
});
