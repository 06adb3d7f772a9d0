import { AppName, Version, type DeviceDetail } from '@wafer/protocol';
import { expect, it } from 'vitest';
import { describeChanges } from './changes.ts';

type Parts = Pick<DeviceDetail, 'apps' | 'latest'>;
const app = AppName.parse('thermo');
const version = Version.parse('1.1.0');

it('shows cause and figures of the last swap, as far as it came', () => {
  const swap = { cause: 'release', prepareMs: 340, startMs: 4.21, lostCalls: 0 };
  const parts = { apps: [{ app, execution: { version, state: 'FAILED', swap } }], latest: null };
  expect(describeChanges(parts as unknown as Parts)).toMatch(
    /thermo +1\.1\.0 FAILED +release +340 ms +4\.2 ms +– +– +– +0$/,
  );
});

it('shows starts, restarts and crash loops, which are no executions', () => {
  const figures = {
    cause: 'restart',
    prepareMs: 0,
    startMs: 3,
    probeMs: 1,
    gapMs: 0,
    drainMs: 0,
    lostCalls: 0,
  };
  const health = {
    app,
    version,
    lastSwap: { at: '2026-11-21T09:00:00.000Z', figures },
    crashLoop: { failures: 4, nextTryAt: '2026-11-21T09:01:00.000Z' },
  };
  const text = describeChanges({ apps: [], latest: { apps: [health] } } as unknown as Parts);
  expect(text).toMatch(/thermo +1\.1\.0 since 2026-11-21T09:00:00\.000Z +restart +0\.0 ms +3\.0 ms/);
  expect(text).toContain('thermo failed 4 times in a row and is tried again at 2026-11-21T09:01:00.000Z');
});

it('says nothing where nothing is known', () => {
  expect(describeChanges({ apps: [], latest: null })).toBe('');
});
