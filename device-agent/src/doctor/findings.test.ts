import { Grants } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { devicesFinding, deviceNodes } from './devices.ts';
import { doctorText, examine, isHealthy } from './doctor.ts';
import { certificateFinding, metadataFinding } from './fleet.ts';
import { unitFinding } from './service.ts';
import { testedFinding } from './tested.ts';
import { clockFinding, diskFinding, memoryFinding, nodeFinding } from './system.ts';

const NOW = Date.parse('2030-01-15T00:00:00Z');
const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;
const BOARD = { folder: '/nowhere', clock: { now: () => NOW } };

test.each([
  ['22.4.0', 'fail'],
  ['24.14.9', 'fail'],
  ['24.15.0', 'ok'],
  ['26.0.0', 'ok'],
])('Node %s: %s', (version, verdict) => {
  expect(nodeFinding(version, 'arm64').verdict).toBe(verdict);
});

test.each([
  ['a clock of 1970', 0, undefined, 'warn'],
  ['one that nothing keeps right', NOW, false, 'warn'],
  ['one that is kept right', NOW, true, 'ok'],
  ['one of which nobody knows', NOW, undefined, 'ok'],
])('%s', (_, now, isSynchronised, verdict) => {
  expect(clockFinding(now, isSynchronised).verdict).toBe(verdict);
});

test.each([
  [8 * MIB, 'fail'],
  [64 * MIB, 'warn'],
  [900 * MIB, 'ok'],
])('%i bytes free on disk: %s', (free, verdict) => {
  expect(diskFinding(free, '/var/lib/wafer-agent').verdict).toBe(verdict);
});

test('a board that could not transpile in the memory that it has left is warned', () => {
  const meminfo = (kib: number) => `MemTotal:  500000 kB\nMemFree: 1 kB\nMemAvailable:   ${kib} kB\n`;
  expect(memoryFinding(meminfo(100_000)).verdict).toBe('warn');
  expect(memoryFinding(meminfo(400_000))).toEqual({ verdict: 'ok', detail: '390 MiB of 488 MiB available' });
});

test('a certificate: expired, overdue, good', () => {
  const verdicts = [-1, 5, 40].map((days) => certificateFinding(NOW + days * DAY_MS, NOW).verdict);
  expect(verdicts).toEqual(['fail', 'warn', 'ok']);
  expect(metadataFinding(NOW - 1, NOW).verdict).toBe('warn');
});

test('a self-test that failed is named, and one that was not run yet is no fault', () => {
  const at = '2030-01-01T00:00:00.000Z';
  const passed = { passed: true, at, tests: [{ test: 'digest', passed: true }] };
  expect([undefined, passed].map((found) => testedFinding(found).verdict)).toEqual(['ok', 'ok']);
  const tests = [...passed.tests, { test: 'instructions', passed: false, detail: 'i64.rotl' }];
  expect(testedFinding({ passed: false, at, tests })).toMatchObject({
    verdict: 'fail',
    detail: 'failed: instructions (i64.rotl)',
  });
});

test.each([
  ['enabled', 'active', true, 'ok'],
  ['disabled', 'active', true, 'warn'],
  ['enabled', 'activating', false, 'fail'],
  ['enabled', 'active', false, 'fail'],
  ['disabled', 'inactive', false, 'fail'],
])('a unit that is %s and %s, the agent up: %s', (enabled, active, isRunning, verdict) => {
  expect(unitFinding(enabled, active, isRunning).verdict).toBe(verdict);
});

test('a granted device that the agent may not open names the command that lets it', async () => {
  const nodes = deviceNodes(
    Grants.parse({
      gpio: [17, 18].map((line) => ({ chip: 0, line, direction: 'out' })),
      i2c: [{ bus: 1, address: 0x48, access: 'read' }],
      serial: [{ device: '/dev/ttyUSB0' }],
      clock: true,
    }),
  );
  expect(nodes).toEqual(['/dev/gpiochip0', '/dev/i2c-1', '/dev/ttyUSB0']);
  const denied = await devicesFinding(nodes, async (path) => (path === '/dev/i2c-1' ? 'EACCES' : undefined));
  expect(denied).toEqual({
    verdict: 'fail',
    detail: '/dev/i2c-1: EACCES',
    advice: 'sudo wafer-agent devices allow /dev/i2c-1',
  });
  expect((await devicesFinding([])).verdict).toBe('ok');
});

test('a check that throws has failed, one with nothing to look at says nothing, and each line says what to do', async () => {
  const found = await examine(BOARD, {
    broken: () => {
      throw new Error('no such file');
    },
    silent: () => undefined,
    fine: () => ({ verdict: 'ok', detail: 'all is well' }),
    poor: () => ({ verdict: 'warn', detail: 'little is left', advice: 'make room' }),
  });
  expect(isHealthy(found)).toBe(false);
  expect(doctorText(found)).toBe(
    [
      'fail  broken       no such file',
      'ok    fine         all is well',
      'warn  poor         little is left',
      '                   → make room',
      '',
    ].join('\n'),
  );
});
