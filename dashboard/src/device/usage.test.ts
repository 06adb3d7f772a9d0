import { DeviceApp } from '@wafer/protocol/api';
import { HealthReport, type Usage } from '@wafer/protocol/messages';
import { describe, expect, test } from 'vitest';
import { denials, denialText, lastMinute, usageRows } from './usage.ts';

const START = Date.parse('2026-11-21T10:00:00.000Z');
const NOTHING: Usage = {
  busyMs: 0,
  queued: 0,
  logBytes: 0,
  messages: 0,
  outgoingBytes: 0,
  storeBytes: 0,
  denied: 0,
};

const report = (seconds: number, usage?: Partial<Usage>): HealthReport =>
  HealthReport.parse({
    at: new Date(START + seconds * 1000).toISOString(),
    uptimeSeconds: 100,
    cpu: 0,
    memory: { usedBytes: 1, totalBytes: 2 },
    agentBytes: 1,
    disk: { usedBytes: 1, totalBytes: 2 },
    apps: [
      {
        app: 'thermo',
        version: '1.0.0',
        state: 'running',
        calls: 0,
        faults: 0,
        memoryBytes: 8 * 1024 * 1024,
        ...(usage === undefined ? {} : { usage: { ...NOTHING, ...usage } }),
      },
    ],
  });

describe('the usage of the last minute', () => {
  test('is the sum of the reports that cover it', () => {
    const reports = Array.from({ length: 10 }, (_, index) =>
      report(index * 10, { messages: 5, busyMs: 100, queued: index === 2 ? 9 : 1, storeBytes: index }),
    );
    expect(lastMinute(reports, 'thermo')).toMatchObject({
      messages: 30,
      busyMs: 600,
      queued: 1,
      storeBytes: 9,
    });
  });

  test('is a share of a report that covers more', () => {
    const reports = [report(0, {}), report(600, { messages: 100, outgoingBytes: 1000 })];
    expect(lastMinute(reports, 'thermo')).toMatchObject({ messages: 10, outgoingBytes: 100 });
  });

  test('is not known of an app that never told it', () => {
    expect(lastMinute([report(0)], 'thermo')).toBeUndefined();
    expect(lastMinute([report(0, {})], 'other')).toBeUndefined();
    expect(lastMinute([], 'thermo')).toBeUndefined();
  });
});

describe('rows', () => {
  const desired = DeviceApp.parse({
    app: 'thermo',
    running: null,
    desired: {
      version: '1.0.0',
      channel: 'stable',
      grants: { keyvalue: [{ store: 'default', maxBytes: 1024 }] },
      limits: { messagesPerMinute: 600, logBytesPerMinute: 0 },
      isolation: 'shared',
      triggers: {},
    },
    execution: null,
  }).desired;
  const health = report(0).apps[0]!;

  test('stand beside their limits', () => {
    const minute = { ...NOTHING, busyMs: 6000, messages: 300, storeBytes: 2048, queued: 3 };
    const rows = usageRows(health, minute, desired);
    expect(rows.map(({ name, text }) => `${name}: ${text}`)).toEqual([
      'Memory: 8 MiB of 32 MiB',
      'Stores: 2 KiB of 1 KiB',
      'Busy: 10 % of one core',
      'Waiting: 3 of 256 calls at most',
      'Messages: 300 of 600 a minute',
      'Sent: 0 B of 1 MiB a minute',
      'Logged: 0 B of 0 B a minute',
    ]);
    expect(rows.map(({ share }) => share)).toEqual([0.25, 1, null, 3 / 256, 0.5, 0, null]);
  });

  test('have no limit where none is ordered, and only memory where nothing was told', () => {
    expect(usageRows(health, undefined, null)).toEqual([{ name: 'Memory', text: '8 MiB', share: null }]);
  });
});

test('denied uses are counted over all reports', () => {
  const reports = [report(0, { denied: 2 }), report(10), report(20, { denied: 1 })];
  expect(denials(reports, 'thermo')).toBe(3);
  expect([denialText(0, 15), denialText(1, 15), denialText(1200, 15)]).toEqual([
    'none in 15 min',
    '1 use in 15 min',
    '1,200 uses in 15 min',
  ]);
});
