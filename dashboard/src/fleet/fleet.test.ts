import { DeviceSummary } from '@wafer/protocol/api';
import { describe, expect, test } from 'vitest';
import { withDevices, withSeen, type Fleet } from '../api/fleet-cache.ts';
import { select, type View } from './filter.ts';
import { summarise } from './summary.ts';

const id = (letter: string) => `d-${letter.repeat(16)}`;

const device = (letter: string, more: object = {}): DeviceSummary =>
  DeviceSummary.parse({
    id: id(letter),
    name: `board-${letter}`,
    arch: 'arm64',
    group: null,
    tags: {},
    channels: ['stable'],
    online: true,
    lastSeen: '2026-11-21T10:00:00.000Z',
    enrolled: '2026-11-01T00:00:00.000Z',
    health: 'healthy',
    apps: [],
    ...more,
  });

const execution = (version: string, updated: string) => ({
  app: 'thermo',
  running: null,
  desired: null,
  execution: {
    id: '0198c0de-0000-7000-8000-000000000001',
    app: 'thermo',
    version,
    state: 'SUCCEEDED',
    stage: null,
    fault: null,
    swap: null,
    runningVersion: null,
    created: updated,
    updated,
  },
});

const view: View = { text: '', health: null, sort: 'name' };
const names = (devices: readonly DeviceSummary[]) => devices.map(({ name }) => name);
const fleetOf = (...pages: DeviceSummary[][]): Fleet => ({
  pages: pages.map((items) => ({ items })),
  pageParams: pages.map(() => undefined),
});

describe('the list of devices', () => {
  test('is ordered by name as people count, so that 2 stands before 10', () => {
    const devices = [device('a', { name: 'hall-10' }), device('b', { name: 'hall-2' })];
    expect(names(select(devices, view))).toEqual(['hall-2', 'hall-10']);
  });

  test('puts what needs a person first when ordered by health', () => {
    const devices = [device('a'), device('b', { health: 'offline' }), device('c', { health: 'failing' })];
    expect(names(select(devices, { ...view, sort: 'health' }))).toEqual(['board-c', 'board-b', 'board-a']);
  });

  test('is searched by every word, in names, tags, channels and apps', () => {
    const devices = [
      device('a', { tags: { site: 'north' }, channels: ['beta'] }),
      device('b', { tags: { site: 'north' } }),
      device('c', { tags: { site: 'south' } }),
    ];
    expect(names(select(devices, { ...view, text: 'SITE=north' }))).toEqual(['board-a', 'board-b']);
    expect(names(select(devices, { ...view, text: 'north beta' }))).toEqual(['board-a']);
    expect(select(devices, { ...view, text: 'west' })).toEqual([]);
  });

  test('shows only one kind of health when asked to', () => {
    const devices = [device('a'), device('b', { health: 'failing' })];
    expect(names(select(devices, { ...view, health: 'failing' }))).toEqual(['board-b']);
  });

  test('shows only the members of a group when asked to', () => {
    const devices = [device('a'), device('b')];
    expect(names(select(devices, { ...view, members: new Set([id('b')]) }))).toEqual(['board-b']);
    expect(select(devices, { ...view, members: new Set() })).toEqual([]);
  });
});

describe('the summary', () => {
  test('counts devices by health, apps once, and finds the latest change', () => {
    const summary = summarise([
      device('a', { apps: [execution('1.0.0', '2026-11-21T09:00:00.000Z')] }),
      device('b', { apps: [execution('1.1.0', '2026-11-21T09:30:00.000Z')], health: 'failing' }),
      device('c', { online: false, health: 'offline', lastSeen: null }),
    ]);
    expect(summary).toMatchObject({
      devices: 3,
      online: 2,
      apps: 1,
      byHealth: { healthy: 1, failing: 1, offline: 1, unknown: 0 },
    });
    expect(summary.lastChange?.execution.version).toBe('1.1.0');
    expect(summary.lastChange?.device.name).toBe('board-b');
  });

  test('of an empty fleet is all zeros', () => {
    expect(summarise([])).toMatchObject({ devices: 0, online: 0, apps: 0, lastChange: null });
  });
});

describe('the loaded fleet', () => {
  test('takes a changed device in place, on whichever page it is', () => {
    const fleet = fleetOf([device('a')], [device('b')]);
    const next = withDevices(fleet, [device('b', { health: 'failing' })]);
    expect(next?.pages[1]?.items[0]?.health).toBe('failing');
    expect(next?.pages[0]?.items[0]?.health).toBe('healthy');
  });

  test('cannot take a device that it has not loaded, and says so', () => {
    expect(withDevices(fleetOf([device('a')]), [device('c')])).toBeUndefined();
  });

  test('moves last seen forward and never back', () => {
    const fleet = fleetOf([device('a'), device('b', { lastSeen: '2026-11-21T12:00:00.000Z' })]);
    const next = withSeen(fleet, new Set([id('a'), id('b')]), Date.parse('2026-11-21T11:00:00.000Z'));
    expect(next.pages[0]?.items.map(({ lastSeen }) => lastSeen)).toEqual([
      '2026-11-21T11:00:00.000Z',
      '2026-11-21T12:00:00.000Z',
    ]);
  });
});
