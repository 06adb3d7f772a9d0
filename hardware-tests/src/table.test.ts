import { HardwareRun, type RigResult } from '@wafer/protocol';
import { expect, it } from 'vitest';
import { sum, table, tallies } from './table.ts';

const rig = (name: string, more: Partial<RigResult>): RigResult => ({
  rig: name,
  kind: 'process',
  arch: name,
  os: 'Linux 6.18',
  node: 'v24.21.0',
  status: 'ran',
  journeys: [
    { journey: 'enrol', outcome: 'passed', ms: 2400 },
    { journey: 'install', outcome: 'failed', detail: 'it did not come', ms: 10 },
  ],
  ...more,
});

const run = HardwareRun.parse({
  at: '2026-11-22T01:00:00.000Z',
  agent: '0.1.0',
  rigs: [
    rig('local', { arch: 'x64' }),
    rig('arm64', { kind: 'emulated' }),
    rig('riscv64', {
      kind: 'emulated',
      status: 'skipped',
      why: 'it needs root',
      journeys: [
        { journey: 'enrol', outcome: 'skipped' },
        { journey: 'install', outcome: 'skipped' },
      ],
    }),
  ],
  digests: [],
  identical: true,
});

it('has a column for each rig and a row for each journey', () => {
  const lines = table(run).split('\n');
  expect(lines[0]).toMatch(/local \(x64\) +arm64 +riscv64/);
  expect(lines[2]).toMatch(/enrol +passed 2\.4 s +passed +skipped/);
  expect(lines[3]).toMatch(/install +failed +failed +skipped/);
});

it('shows no time of an emulated rig', () => {
  expect(table(run).match(/\d s/g)).toHaveLength(1);
});

it('names a rig that was skipped, with the reason', () => {
  expect(table(run)).toContain('SKIPPED riscv64: it needs root');
});

it('counts what was skipped as skipped, and never as passed', () => {
  expect(tallies(run)).toEqual({
    local: { passed: 1, failed: 1 },
    arm64: { passed: 1, failed: 1 },
    riscv64: { passed: 0, failed: 0, skipped: 2 },
  });
  expect(sum(run.rigs)).toEqual({ passed: 2, failed: 2, skipped: 2 });
});
