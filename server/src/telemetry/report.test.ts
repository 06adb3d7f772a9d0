import { ReportEvent, type DeviceId } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { describeEvent, plausibleInstant, takeBatch, type Pending } from './report.ts';

const AT = '2026-11-21T10:00:00.000Z';
const NOW = Date.parse(AT);
const EXECUTION = '3f1b5f0e-5f0c-4f57-9d0b-6f8f8f0c5d11';
const event = (value: object): ReportEvent => ReportEvent.parse({ at: AT, ...value });
const execution = (value: object): ReportEvent =>
  event({ kind: 'execution', execution: EXECUTION, app: 'thermo', version: '1.2.0', ...value });

describe('the line that people read', () => {
  it('says what a release was rolled back to, and why', () => {
    const fault = { kind: 'probe-failed', message: 'the sensor reads 900 °C' };
    expect(describeEvent(execution({ state: 'ROLLED_BACK', runningVersion: '1.1.0', fault }))).toBe(
      'thermo 1.2.0 rolled back to 1.1.0: probe-failed — the sensor reads 900 °C',
    );
  });

  it('names the stage of what is under way', () => {
    expect(describeEvent(execution({ state: 'IN_PROGRESS', stage: 'probing' }))).toBe(
      'thermo 1.2.0 is probing',
    );
  });

  it('counts faults, and names the agent when no app is concerned', () => {
    const fault = { kind: 'trap', message: 'unreachable' };
    expect(describeEvent(event({ kind: 'fault', app: 'thermo', version: '1.0.0', fault, count: 3 }))).toBe(
      'thermo 1.0.0: trap — unreachable (3 times)',
    );
    expect(describeEvent(event({ kind: 'fault', fault, count: 1 }))).toBe('agent: trap — unreachable');
  });

  it('lists apps', () => {
    const apps = [{ app: 'thermo', version: '1.0.0', digest: 'a'.repeat(64), state: 'running' }];
    expect(describeEvent(event({ kind: 'apps', apps }))).toBe('has thermo 1.0.0 (running)');
    expect(describeEvent(event({ kind: 'apps', apps: [] }))).toBe('has no apps');
  });
});

describe('an instant that a device claims', () => {
  it('is kept when it is near', () => {
    expect(plausibleInstant('2026-11-20T10:00:00Z', NOW)).toBe('2026-11-20T10:00:00.000Z');
  });

  it.each(['1970-01-01T00:00:03Z', '2038-01-19T03:14:07Z', '0000-01-01T00:00:00Z', 'never'])(
    'is replaced when it is %s',
    (claimed) => expect(plausibleInstant(claimed, NOW)).toBe(AT),
  );
});

describe('a batch', () => {
  const fault = { kind: 'fault', fault: { kind: 'trap', message: 'x' }, count: 1 };
  const item = (device: string, number: number, value: object = fault): Pending => ({
    device: device as DeviceId,
    report: { number, event: event(value) },
  });
  const names = (items: readonly Pending[]): string[] =>
    items.map(({ device, report }) => `${device}${report.number}`);
  it('takes reports of several devices', () => {
    const { batch, rest } = takeBatch([item('a', 1), item('b', 1), item('a', 2)], 10);
    expect(names(batch)).toEqual(['a1', 'b1', 'a2']);
    expect(rest).toEqual([]);
  });

  it('leaves a report that came twice, and all that follows of that device, for the next', () => {
    const queue = [item('a', 1), item('a', 1), item('b', 1), item('a', 2), item('b', 2)];
    const { batch, rest } = takeBatch(queue, 10);
    expect(names(batch)).toEqual(['a1', 'b1', 'b2']);
    expect(names(rest)).toEqual(['a1', 'a2']);
  });

  it('is bounded, and never takes a later report of a device before an earlier one', () => {
    const { batch, rest } = takeBatch([item('a', 1), item('b', 1), item('a', 2)], 1);
    expect([names(batch), names(rest)]).toEqual([['a1'], ['b1', 'a2']]);
  });
});
