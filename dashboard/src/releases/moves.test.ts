import { ChannelView, ReleaseView } from '@wafer/protocol/api';
import { describe, expect, test } from 'vitest';
import { byApp, planMove } from './moves.ts';

const release = (app: string, version: string, counter: number): ReleaseView =>
  ReleaseView.parse({
    app,
    version,
    counter,
    digest: 'b'.repeat(64),
    length: 1000,
    world: 'reactor',
    imports: [],
    exports: [],
    grants: {},
    memoryMiB: 16,
    signers: [],
    published: '2026-11-21T10:00:00.000Z',
    channels: [],
  });

const stable = (version: string): ChannelView =>
  ChannelView.parse({
    name: 'stable',
    devices: 12,
    apps: [{ app: 'thermo', version, since: '2026-11-21T10:00:00.000Z' }],
  });

const old = release('thermo', '1.0.0', 1);
const next = release('thermo', '1.1.0', 2);
const all = [old, next, release('hello', '0.9.0', 1)];

describe('a move of a channel', () => {
  test('forward names the release that it replaces and whom it reaches', () => {
    expect(planMove(next, all, stable('1.0.0'))).toEqual({ from: '1.0.0', devices: 12, kind: 'forward' });
  });

  test('to an older release is said to be a step back', () => {
    expect(planMove(old, all, stable('1.1.0')).kind).toBe('back');
  });

  test('to the release that it holds already changes nothing', () => {
    expect(planMove(next, all, stable('1.1.0')).kind).toBe('same');
  });

  test('into a channel that has none of the app, or does not exist yet, is its first', () => {
    expect(planMove(release('hello', '0.9.0', 1), all, stable('1.0.0')).kind).toBe('first');
    expect(planMove(next, all, undefined)).toEqual({ from: null, devices: 0, kind: 'first' });
  });
});

test('releases stand under their app, newest first by counter', () => {
  expect(byApp(all).map(([app, list]) => [app, list.map(({ version }) => version)])).toEqual([
    ['hello', ['0.9.0']],
    ['thermo', ['1.1.0', '1.0.0']],
  ]);
});
