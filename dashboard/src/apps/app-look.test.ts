import { DeviceApp } from '@wafer/protocol/api';
import { describe, expect, test } from 'vitest';
import { appLook } from './app-look.ts';

const digest = 'a'.repeat(64);
const at = '2026-11-21T10:00:00.000Z';

interface Given {
  running?: [version: string, state: string];
  desired?: string;
  execution?: { version: string; state: string; stage?: string };
}

const given = ({ running, desired, execution }: Given) =>
  appLook(
    DeviceApp.parse({
      app: 'thermo',
      running: running ? { version: running[0], digest, state: running[1] } : null,
      desired: desired
        ? { version: desired, channel: 'stable', grants: {}, limits: {}, isolation: 'shared', triggers: {} }
        : null,
      execution: execution
        ? {
            id: '0198c0de-0000-7000-8000-000000000001',
            app: 'thermo',
            stage: null,
            fault: null,
            swap: null,
            runningVersion: null,
            created: at,
            updated: at,
            ...execution,
          }
        : null,
    }),
  );

describe('an app on a device', () => {
  test('says nothing beside its version while it runs what it should', () => {
    const look = given({
      running: ['1.0.0', 'running'],
      desired: '1.0.0',
      execution: { version: '1.0.0', state: 'SUCCEEDED' },
    });
    expect(look).toMatchObject({ running: '1.0.0', coming: null, note: null, look: { tone: 'ok' } });
  });

  test('shows the coming release and its stage while the old one runs', () => {
    const look = given({
      running: ['1.0.0', 'running'],
      desired: '1.1.0',
      execution: { version: '1.1.0', state: 'IN_PROGRESS', stage: 'downloading' },
    });
    expect(look).toMatchObject({ running: '1.0.0', coming: '1.1.0', note: 'downloading' });
  });

  test('shows one version once the new release serves and soaks', () => {
    const look = given({
      running: ['1.1.0', 'soaking'],
      desired: '1.1.0',
      execution: { version: '1.1.0', state: 'IN_PROGRESS', stage: 'soaking' },
    });
    expect(look).toMatchObject({ running: '1.1.0', coming: null, note: 'soaking', look: { tone: 'busy' } });
  });

  test('names the release that was rolled back, beside the one that runs', () => {
    const look = given({
      running: ['1.1.0', 'running'],
      desired: '1.2.0',
      execution: { version: '1.2.0', state: 'ROLLED_BACK' },
    });
    expect(look).toMatchObject({ running: '1.1.0', coming: null, note: '1.2.0 rolled back' });
    expect(look.look.tone).toBe('warn');
  });

  test('waits for a device that was told and has not begun', () => {
    expect(given({ running: ['1.0.0', 'running'], desired: '1.1.0' })).toMatchObject({
      coming: '1.1.0',
      note: 'waiting',
    });
    expect(given({ desired: '1.0.0' })).toMatchObject({
      running: null,
      coming: '1.0.0',
      note: 'not installed yet',
    });
  });

  test('is failing when the device says so, even after a change that succeeded', () => {
    const look = given({
      running: ['1.0.0', 'failed'],
      desired: '1.0.0',
      execution: { version: '1.0.0', state: 'SUCCEEDED' },
    });
    expect(look).toMatchObject({ note: 'failing', look: { tone: 'bad' } });
  });

  test('says when it runs although no channel of the device holds it any more', () => {
    expect(given({ running: ['1.0.0', 'running'] })).toMatchObject({ note: 'in no channel', coming: null });
  });
});
