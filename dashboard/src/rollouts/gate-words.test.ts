import { Gate } from '@wafer/protocol/rollouts';
import { expect, test } from 'vitest';
import { gateLines } from './gate-words.ts';

test('a gate as it is by default says what it asks and what a trip does', () => {
  expect(gateLines(Gate.parse({}))).toEqual([
    '90 % of the wave must succeed',
    '1 device with the fault signature trips it',
    'a trip pauses the rollout',
  ]);
});

test('every demand of a gate is a line of its own, and none is left out', () => {
  const gate = Gate.parse({
    successPercent: 0,
    errorPercent: 5,
    errorCount: 3,
    faults: [
      { kind: 'link', percent: 10 },
      { kind: 'trap', count: 2, percent: 1 },
    ],
    minDevices: 20,
    soakMinutes: 90,
    unhealthyPercent: 1,
    compare: { latencyPercent: 50, faultPoints: 2 },
    approval: true,
    onTrip: 'rollback',
  });
  expect(gateLines(gate)).toEqual([
    'at most 5 % of those that ended may fail',
    '3 failures trip it',
    'more than 10 % with the fault link trip it',
    '2 devices or more than 1 % with the fault trap trip it',
    'shares are judged once 20 have ended',
    'watched for 1 h 30 min; at most 1 % may fail meanwhile',
    'beside devices not yet updated: faults at most 2 points more, latency at most 50 % more (from 3 devices on each side)',
    'a person lets the next wave begin',
    'a trip aborts it and rolls back',
  ]);
});
