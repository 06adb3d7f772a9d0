import { HealthReport, MAX_PAYLOAD_BYTES, systemClock, type AppHealth } from '@wafer/protocol';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import {
  cpuBetween,
  createHealth,
  fitted,
  hottest,
  parseMemAvailable,
  parseVmRss,
  parseWritten,
} from './health.ts';

test('the share of busy time lies between two readings', () => {
  expect(cpuBetween({ idle: 100, total: 200 }, { idle: 150, total: 300 })).toBe(0.5);
  expect(cpuBetween({ idle: 100, total: 200 }, { idle: 100, total: 200 })).toBe(0);
  expect(cpuBetween({ idle: 100, total: 200 }, { idle: 90, total: 250 })).toBe(1);
});

test('the hottest sensor counts, and one that is not connected does not', () => {
  expect(hottest([41_000, 52_500, -273_000, 999_000])).toBe(52.5);
  expect(hottest([-273_000])).toBeUndefined();
  expect(hottest([])).toBeUndefined();
});

test('resident memory and available memory are read in bytes', () => {
  expect(parseVmRss('Name:\tnode\nVmRSS:\t   51200 kB\nThreads: 5')).toBe(52_428_800);
  expect(parseVmRss('')).toBeUndefined();
  expect(parseMemAvailable('MemTotal: 100 kB\nMemAvailable:     10 kB\n')).toBe(10_240);
});

test('a report of this machine fits its schema and is not made of zeros', async () => {
  const health = createHealth({ dataFolder: tmpdir(), clock: systemClock, apps: () => [] });
  const report = HealthReport.parse(await health.report());
  expect(report.agentBytes).toBeGreaterThan(10_000_000);
  expect(report.memory.usedBytes).toBeGreaterThan(0);
  expect(report.disk.totalBytes).toBeGreaterThan(report.disk.usedBytes);
});

test('a report that would not fit in a message goes without suggestions, and with all figures', async () => {
  const app = (index: number, unusedGrants: string[]) =>
    ({
      app: `app-${index}`,
      version: '1.0.0',
      state: 'running',
      calls: 1,
      faults: 0,
      memoryBytes: 0,
      unusedGrants,
    }) as AppHealth;
  const report = (unusedGrants: string[]) =>
    HealthReport.parse({
      at: '2026-11-21T00:00:00.000Z',
      uptimeSeconds: 1,
      cpu: 0,
      memory: { usedBytes: 1, totalBytes: 2 },
      agentBytes: 1,
      disk: { usedBytes: 1, totalBytes: 2 },
      apps: Array.from({ length: 64 }, (_, index) => app(index, unusedGrants)),
    });
  const small = report(['clock']);
  expect(fitted(small)).toEqual(small);
  const large = fitted(report(Array.from({ length: 16 }, () => 'x'.repeat(300))));
  expect(Buffer.byteLength(JSON.stringify(large))).toBeLessThan(MAX_PAYLOAD_BYTES);
  expect(large.apps).toHaveLength(64);
  expect(large.apps[0]).not.toHaveProperty('unusedGrants');
});

test('what was written to storage is read where the system counts it', () => {
  expect(parseWritten('rchar: 9\nwrite_bytes: 4096\ncancelled_write_bytes: 12\n')).toBe(4096);
  expect(parseWritten('')).toBeUndefined();
});
