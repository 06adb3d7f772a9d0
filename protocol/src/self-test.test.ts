import { describe, expect, it } from 'vitest';
import { AppName } from './ids.ts';
import { AGENT_APP } from './release.ts';
import type { SelfTest } from './self-test.ts';
import { selfTestFault, selfTestSubject } from './self-test.ts';

const at = '2026-11-22T10:00:00.000Z';
const failed: SelfTest = {
  passed: false,
  at,
  tests: [
    { test: 'digest', passed: true },
    { test: 'instructions', passed: false, detail: 'i32.add answered 0x0 instead of 0x1' },
    { test: 'deadline', passed: false },
  ],
};

describe('a self-test', () => {
  it('that passed, or that nobody told of, keeps no app out', () => {
    expect(selfTestFault(undefined)).toBeUndefined();
    expect(selfTestSubject(null)).toBeUndefined();
    expect(selfTestFault({ passed: true, at, tests: [{ test: 'digest', passed: true }] })).toBeUndefined();
  });

  it('that failed keeps a mended agent out only where trust itself does not hold', () => {
    expect(selfTestFault(failed, AGENT_APP)).toBeUndefined();
    const untrusting: SelfTest = { passed: false, at, tests: [{ test: 'signature', passed: false }] };
    expect(selfTestSubject(untrusting, AGENT_APP)).toBe('self-test signature');
    expect(selfTestSubject(failed, AppName.parse('thermo'))).toBe('self-test instructions, deadline');
  });

  it('that failed is an incompatible fault that names each test that failed', () => {
    expect(selfTestSubject(failed)).toBe('self-test instructions, deadline');
    expect(selfTestFault(failed)).toEqual({
      kind: 'incompatible',
      subject: 'self-test instructions, deadline',
      message:
        "This board failed the agent's self-test, so it runs no app: instructions (i32.add answered 0x0 instead of 0x1); deadline",
    });
  });
});
