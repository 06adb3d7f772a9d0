import { LiveEvent } from '@wafer/protocol/api';
import { describe, expect, test } from 'vitest';
import { gather } from './hints.ts';

const device = 'd-abcdefghijklmnop';
const hints = (...raw: unknown[]) => gather(raw.map((event) => LiveEvent.parse(event)));

describe('a batch of live hints', () => {
  test('names each device once, however often it was hinted at', () => {
    const batch = hints({ type: 'device', device }, { type: 'device', device }, { type: 'health', device });
    expect([...batch.devices]).toEqual([device]);
    expect([...batch.reporting]).toEqual([device]);
    expect(batch.all).toBe(false);
  });

  test('reads releases again when a channel moved, since releases name their channels', () => {
    expect(hints({ type: 'channel', channel: 'stable' })).toMatchObject({ channels: true, releases: true });
    expect(hints({ type: 'release', app: 'thermo' })).toMatchObject({ channels: false, releases: true });
  });

  test('names each rollout once, for a rollout that moves is hinted at often', () => {
    const rollout = '0b0e7f8e-9a55-4d0b-8a44-2f5d1f6f9f10';
    const batch = hints({ type: 'rollout', rollout }, { type: 'rollout', rollout });
    expect([...batch.rollouts]).toEqual([rollout]);
    expect(batch.channels).toBe(false);
  });

  test('makes everything stale when some hints may have been missed', () => {
    expect(hints({ type: 'health', device }, { type: 'resync' }).all).toBe(true);
  });
});
