import { HealthReport } from '@wafer/protocol/messages';
import { describe, expect, test } from 'vitest';
import { callRate, chartRange, isAlone, latency, points, processor, timeTicks } from './series.ts';

const START = Date.parse('2026-11-21T10:00:00.000Z');

const report = (seconds: number, app: object = {}): HealthReport =>
  HealthReport.parse({
    at: new Date(START + seconds * 1000).toISOString(),
    uptimeSeconds: 100 + seconds,
    cpu: 0.25,
    memory: { usedBytes: 1, totalBytes: 2 },
    agentBytes: 1,
    disk: { usedBytes: 1, totalBytes: 2 },
    apps: [
      { app: 'thermo', version: '1.0.0', state: 'running', calls: 0, faults: 0, memoryBytes: 1, ...app },
    ],
  });

const values = (list: ReturnType<typeof points>, name: string) => list.map((point) => point[name] ?? null);

describe('points of a chart', () => {
  test('follow the reports one by one while they come regularly', () => {
    const list = points([report(0), report(10), report(20)], processor);
    expect(list.map(({ at }) => (at - START) / 1000)).toEqual([0, 10, 20]);
    expect(values(list, 'cpu')).toEqual([0.25, 0.25, 0.25]);
  });

  test('break where the device was silent', () => {
    const list = points([report(0), report(10), report(20), report(300), report(310)], processor);
    expect(values(list, 'cpu')).toEqual([0.25, 0.25, 0.25, null, 0.25, 0.25]);
  });

  test('do not break where the server thinned a long range evenly', () => {
    const list = points(
      [0, 170, 340, 510].map((seconds) => report(seconds)),
      processor,
    );
    expect(values(list, 'cpu')).not.toContain(null);
  });

  test('are null where a figure was not measured', () => {
    const list = points(
      [report(0), report(10, { latencyMs: { p50: 1, p90: 2, p99: 3 } })],
      latency('thermo'),
    );
    expect(values(list, 'p99')).toEqual([null, 3]);
  });

  test('turn counters into rates', () => {
    const list = points(
      [report(0, { calls: 100 }), report(10, { calls: 150, faults: 1 })],
      callRate('thermo'),
    );
    expect(values(list, 'calls')).toEqual([null, 5]);
    expect(values(list, 'faults')).toEqual([null, 0.1]);
  });

  test('have no rate across a restart of the agent, where counters begin anew', () => {
    const list = points(
      [report(0, { calls: 900 }), report(10, { calls: 3 }), report(20, { calls: 13 })],
      callRate('thermo'),
    );
    expect(values(list, 'calls')).toEqual([null, null, 1]);
  });

  test('have no rate across a gap', () => {
    const list = points(
      [
        report(0, { calls: 0 }),
        report(10, { calls: 10 }),
        report(20, { calls: 20 }),
        report(900, { calls: 30 }),
      ],
      callRate('thermo'),
    );
    expect(values(list, 'calls')).toEqual([null, 1, 1, null, null]);
  });

  test('that stand alone are known, because no line would show them', () => {
    const list = [
      { at: 1, cpu: 0.1 },
      { at: 2, cpu: null },
      { at: 3, cpu: 0.2 },
      { at: 4, cpu: 0.3 },
    ];
    expect(list.map((_, index) => isAlone(list, index, 'cpu'))).toEqual([true, false, false, false]);
  });
});

describe('the range of a time axis', () => {
  const minutes = (count: number) => count * 60_000;

  test('is what was asked for, as long as the device existed', () => {
    expect(chartRange(START, 15, START - minutes(600))).toEqual([START - minutes(15), START]);
  });

  test('begins with the enrolment of a younger device, and never shrinks to nothing', () => {
    expect(chartRange(START, 60, START - minutes(9))).toEqual([START - minutes(9), START]);
    expect(chartRange(START, 60, START)).toEqual([START - minutes(2), START]);
  });
});

describe('ticks of a time axis', () => {
  test('stand on round minutes inside the range and are not many', () => {
    for (const minutes of [15, 60, 1440]) {
      const from = START + 123_456;
      const to = from + minutes * 60_000;
      const ticks = timeTicks(from, to);
      expect(ticks.length).toBeGreaterThanOrEqual(2);
      expect(ticks.length).toBeLessThanOrEqual(5);
      for (const tick of ticks) {
        expect(tick % 60_000).toBe(0);
        expect(tick >= from && tick <= to).toBe(true);
      }
    }
  });
});
