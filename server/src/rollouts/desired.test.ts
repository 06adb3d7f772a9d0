import { DesiredState, Days, HealthRule, Limits, type DeviceId } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { desiredState, type AssignedRow } from './desired.ts';

const DEVICE = 'd-abcdefghijklmnop' as DeviceId;
const NOW = Date.parse('2026-11-21T09:00:00.000Z');

const row = (app: string): AssignedRow =>
  ({
    app,
    channel: 'stable',
    version: '1.0.0',
    execution: '6e1f1d0a-6c3c-4d0e-9a53-0d0f3f1a7c11',
    grants: { clock: true },
    config: { unit: 'C' },
    limits: Limits.parse({}),
    triggers: {},
    health: HealthRule.parse({}),
    isolation: 'dedicated',
    digest: 'a'.repeat(64),
    length: 1234,
    counter: 3,
  }) as unknown as AssignedRow;

test('the document fits its schema, names the signed target and expires in thirty days', () => {
  const made = desiredState(DEVICE, 7, [row('thermo')], NOW);
  expect(DesiredState.parse(made)).toEqual(made);
  expect(made).toMatchObject({ device: DEVICE, version: 7, issued: '2026-11-21T09:00:00.000Z' });
  expect(Date.parse(made.expires)).toBe(NOW + Days(30));
  expect(made.apps[0]).toMatchObject({
    target: { path: `thermo/1.0.0/${'a'.repeat(64)}.wasm`, sha256: 'a'.repeat(64), length: 1234 },
    counter: 3,
    isolation: 'dedicated',
  });
});

test('columns of the table that the document does not have are left out', () => {
  const odd = { ...row('thermo'), device: DEVICE, surprise: 1 };
  expect(DesiredState.parse(desiredState(DEVICE, 1, [odd], NOW)).apps).toHaveLength(1);
});

test('the same rows in another order make the same document', () => {
  const there = desiredState(DEVICE, 1, [row('a'), row('b'), row('c')], NOW);
  expect(desiredState(DEVICE, 1, [row('c'), row('a'), row('b')], NOW)).toEqual(there);
});
