import { AppName, ChannelName, DeviceDetail, DeviceId, Digest, Limits, Version } from '@wafer/protocol';
import { describe, expect, it } from 'vitest';
import { table } from '../table.ts';
import { parseDuration } from '../typed.ts';
import { ago, appLine, describeDevice, describeDevices } from './describe.ts';

const NOW = Date.UTC(2026, 10, 21, 9);
const version = (text: string) => Version.parse(text);
const thermo = {
  app: AppName.parse('thermo'),
  running: { version: version('1.0.0'), digest: Digest.parse('a'.repeat(64)), state: 'running' as const },
  desired: {
    version: version('1.0.0'),
    channel: ChannelName.parse('stable'),
    grants: {},
    limits: Limits.parse({}),
    isolation: 'shared' as const,
    triggers: {},
  },
  execution: null,
};

describe('lists for people', () => {
  it('align their columns', () => {
    expect(
      table(
        ['a', 'bb'],
        [
          ['long', 'x'],
          ['s', 'y'],
        ],
        '',
      ),
    ).toBe('A     BB\nlong  x\ns     y');
  });

  it('say so when they are empty', () => {
    expect(describeDevices([], NOW)).toMatch(/no devices yet/);
  });

  it('show escape sequences that a device put into its name instead of obeying them', () => {
    expect(table(['name'], [['a\u001b[2Jb\n']], '')).toBe('NAME\na\\u001b[2Jb\\u000a');
  });

  it('show where an app is on its way to', () => {
    expect(appLine(thermo)).toBe('thermo 1.0.0');
    expect(appLine({ ...thermo, desired: { ...thermo.desired, version: version('1.1.0') } })).toBe(
      'thermo 1.0.0 → 1.1.0',
    );
    expect(appLine({ ...thermo, running: null })).toBe('thermo – → 1.0.0');
    expect(appLine({ ...thermo, running: { ...thermo.running, state: 'failed' } })).toBe(
      'thermo 1.0.0 (failed)',
    );
  });

  it('say when a silent device was last seen', () => {
    const device = {
      id: DeviceId.parse('d-abcdefghijklmnop'),
      name: 'bench',
      arch: 'x64',
      group: null,
      tags: {},
      channels: [ChannelName.parse('stable')],
      online: false,
      lastSeen: '2026-11-18T09:00:00.000Z',
      enrolled: '2026-11-01T00:00:00.000Z',
      health: 'offline' as const,
      apps: [thermo],
    };
    expect(describeDevices([device], NOW)).toMatch(/bench +x64 +offline +3 d ago +stable +thermo 1\.0\.0$/);
    expect([ago(null, NOW), ago('2026-11-21T08:59:18.000Z', NOW)]).toEqual(['never', '42 s ago']);
  });
});

describe('a device', () => {
  const usage = {
    busyMs: 130,
    queued: 2,
    logBytes: 0,
    messages: 12,
    outgoingBytes: 2048,
    storeBytes: 512,
    denied: 3,
  };
  const detail = (health: object) =>
    DeviceDetail.parse({
      id: 'd-abcdefghijklmnop',
      name: 'bench',
      arch: 'x64',
      group: null,
      tags: {},
      channels: ['stable'],
      online: true,
      lastSeen: null,
      enrolled: '2026-11-01T00:00:00.000Z',
      health: 'healthy',
      inventory: null,
      selfTest: null,
      desiredVersion: 1,
      pins: { thermo: '1.2.0' },
      rests: { until: '2026-11-22T09:00:00.000Z', why: 'It failed 3 times in a row' },
      messages: [],
      latest: {
        at: '2026-11-21T08:59:50.000Z',
        uptimeSeconds: 1,
        cpu: 0,
        memory: { usedBytes: 0, totalBytes: 1 },
        agentBytes: 0,
        disk: { usedBytes: 0, totalBytes: 1 },
        apps: [
          {
            app: 'thermo',
            version: '1.0.0',
            state: 'running',
            calls: 9,
            faults: 0,
            memoryBytes: 2 ** 21,
            ...health,
          },
        ],
      },
      apps: [thermo],
    });

  it('shows what keeps it from following its channels', () => {
    const page = describeDevice(detail({}), NOW);
    expect(page).toMatch(/^pinned +thermo 1\.2\.0$/m);
    expect(page).toMatch(/^rests +until 2026-11-22T09:00:00\.000Z: It failed 3 times in a row$/m);
    expect(describeDevice(detail({}), Date.parse('2026-11-23T00:00:00.000Z'))).not.toMatch(/^rests/m);
  });

  it('shows what its apps use beside their limits', () => {
    const page = describeDevice(detail({ usage }), NOW);
    for (const line of [
      /^app +thermo$/m,
      /^memory +2 MiB of 32 MiB$/m,
      /^waiting +at most 2 of 256$/m,
      /^messages +12 \(600 a minute\)$/m,
      /^sent +2 KiB \(1 MiB a minute\)$/m,
      /^denied +3 uses$/m,
    ]) {
      expect(page).toMatch(line);
    }
  });

  it('shows a crash loop, and which grants lie unused', () => {
    const crashLoop = { failures: 5, nextTryAt: '2026-11-21T09:00:08.000Z' };
    const page = describeDevice(detail({ crashLoop, unusedGrants: ['clock', 'messaging.publish a/#'] }), NOW);
    expect(page).toMatch(/^crash loop +failed 5 times in a row; next try in 8 s$/m);
    expect(page).toMatch(/^unused +clock, messaging\.publish a\/# \(for long; consider narrowing\)$/m);
  });

  it('says nothing more of an app that told nothing more', () => {
    const page = describeDevice(detail({}), NOW);
    expect(page).toMatch(/^memory +2 MiB of 32 MiB$/m);
    expect(page).not.toMatch(/undefined|denied|unused/);
  });
});

describe('a duration', () => {
  it.each([
    ['90s', 90],
    ['30m', 1800],
    ['12h', 43_200],
    ['1d', 86_400],
  ])('%s is %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });
  it.each(['', '1', '0d', '-1h', '1w', '1.5h', 'd'])('%j is none', (text) => {
    expect(() => parseDuration(text)).toThrow(/is no duration/);
  });
});
