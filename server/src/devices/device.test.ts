import {
  HealthRule,
  Limits,
  type AppName,
  type AppState,
  type ChannelName,
  type DeviceId,
  type Digest,
  type ExecutionId,
  type ExecutionState,
  type Version,
} from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { appsOf, healthOf, summaryOf, type AppRows, type DeviceRow } from './device.ts';

const device = 'd-abcdefghijklmnop' as DeviceId;
const at = new Date('2026-11-21T10:00:00.000Z');
const version = '1.0.0' as Version;

const running = (app: string, state: AppState = 'running'): AppRows['running'][number] => ({
  device,
  app: app as AppName,
  version,
  digest: 'a'.repeat(64) as Digest,
  state,
  at,
});
const desired = (app: string): AppRows['desired'][number] => ({
  device,
  app: app as AppName,
  channel: 'stable' as ChannelName,
  version,
  execution: 'x' as ExecutionId,
  grants: {},
  config: {},
  limits: Limits.parse({}),
  isolation: 'shared',
  triggers: {},
  health: HealthRule.parse({}),
  secrets: {},
  recipient: null,
  sealed: null,
  rollout: null,
});
const execution = (app: string, state: ExecutionState): AppRows['executions'][number] => ({
  id: 'x' as ExecutionId,
  device,
  app: app as AppName,
  version,
  state,
  stage: null,
  fault: null,
  swap: null,
  runningVersion: null,
  rollout: null,
  created: at,
  updated: at,
});
const row = (more: Partial<DeviceRow> = {}): DeviceRow => ({
  id: device,
  name: 'board',
  arch: 'x64',
  group: null,
  tags: {},
  channels: [],
  online: true,
  lastSeen: at,
  enrolled: at,
  revoked: null,
  inventory: null,
  selfTest: null,
  desiredVersion: 0,
  ackedReport: 1,
  ...more,
});

describe('the apps of a device', () => {
  it('join what runs, what should run and how it goes', () => {
    const apps = appsOf({
      running: [running('b')],
      desired: [desired('b'), desired('a')],
      executions: [execution('b', 'SUCCEEDED')],
    });
    expect(apps.get(device)).toMatchObject([
      { app: 'a', running: null, desired: { version, channel: 'stable' }, execution: null },
      {
        app: 'b',
        running: { state: 'running' },
        desired: { version },
        execution: { state: 'SUCCEEDED', created: at.toISOString() },
      },
    ]);
  });

  it('leave out an app of which only the past is known', () => {
    expect(appsOf({ running: [], desired: [], executions: [execution('old', 'REMOVED')] }).size).toBe(0);
  });
});

describe('the health of a device', () => {
  const health = (more: Partial<DeviceRow>, rows: Partial<AppRows> = {}) =>
    summaryOf(row(more), appsOf({ running: [], desired: [], executions: [], ...rows }).get(device) ?? [])
      .health;

  it('is offline before all else', () => {
    expect(health({ online: false }, { running: [running('a', 'failed')] })).toBe('offline');
  });

  it('is unknown before the first report', () => {
    expect(health({ ackedReport: 0 })).toBe('unknown');
  });

  it.each(['FAILED', 'ROLLED_BACK', 'REJECTED', 'TIMED_OUT'] as const)(
    'is failing when the latest execution is %s',
    (state) => {
      expect(
        health(
          {},
          {
            running: [running('a'), running('b')],
            executions: [execution('a', 'SUCCEEDED'), execution('b', state)],
          },
        ),
      ).toBe('failing');
    },
  );

  it.each(['SUCCEEDED', 'IN_PROGRESS', 'QUEUED', 'ALREADY_INSTALLED', 'CANCELED'] as const)(
    'is healthy when the latest execution is %s',
    (state) =>
      expect(health({}, { running: [running('a')], executions: [execution('a', state)] })).toBe('healthy'),
  );

  it('is failing when its self-test did, though all apps do well', () => {
    const selfTest = { passed: false, at: at.toISOString(), tests: [{ test: 'digest', passed: false }] };
    expect(health({ selfTest }, { running: [running('a')] })).toBe('failing');
  });

  it('is failing when an app is, whatever its execution was', () => {
    expect(
      healthOf({ online: true, hasReported: true, isFit: true }, [
        { running: { version, digest: 'a'.repeat(64) as Digest, state: 'failed' }, execution: null },
      ]),
    ).toBe('failing');
  });
});
