import { DeviceId, type HardwareRunView } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { describeBoards, describeSelfTest } from './boards.ts';

const at = '2026-11-22T10:00:00.000Z';
const run: HardwareRunView = {
  id: '1',
  published: at,
  by: 'token:ci',
  at,
  agent: '0.1.0',
  identical: true,
  digests: [],
  rigs: [
    {
      rig: 'riscv64',
      kind: 'emulated',
      arch: 'riscv64',
      os: 'Linux',
      node: 'v24',
      status: 'skipped',
      why: 'no qemu',
      journeys: [{ journey: 'install', outcome: 'skipped' }],
    },
  ],
};

describe('boards for people', () => {
  it('count the fleet by architecture, name who failed in what, and count a skipped rig as nothing', () => {
    const id = DeviceId.parse('d-abcdefghijklmnop');
    const boards = [
      {
        arch: 'riscv64',
        devices: 2,
        online: 1,
        passed: 1,
        failed: 1,
        unknown: 0,
        failing: [{ id, name: 'roof', tests: ['vectors'] }],
      },
    ];
    expect(describeBoards(boards, run).split('\n')).toEqual([
      'ARCHITECTURE  DEVICES  ONLINE  PASSED  FAILED  UNKNOWN',
      'riscv64       2        1       1       1       0',
      '',
      'd-abcdefghijklmnop roof failed vectors',
      '',
      'hardware tests at 2026-11-22T10:00:00.000Z with agent 0.1.0: answers identical',
      expect.stringMatching(/^RIG +KIND +ARCH +PASSED +FAILED +SKIPPED/),
      'riscv64  emulated  riscv64  –       –       –        skipped: no qemu',
    ]);
  });

  it('say in what a board failed', () => {
    const tests = [{ test: 'digest', passed: false, detail: 'SHA-256 of "abc" is 00 here' }];
    expect(describeSelfTest({ passed: false, at, tests })).toBe(
      'failed, so it runs no app: digest (SHA-256 of "abc" is 00 here)',
    );
    expect(describeSelfTest(null)).toBe('nothing was said of it');
  });
});
