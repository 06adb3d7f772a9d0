import {
  HealthRule,
  Limits,
  MoveChannel,
  type AppName,
  type ChannelName,
  type Digest,
  type Grants,
  type Version,
} from '@wafer/protocol';
import { describe, expect, test } from 'vitest';
import type { ReleaseRow } from '../releases/index.ts';
import { changesNothing, planMove, type ChannelApp } from './plan.ts';

const release = (version: string, grants: Grants, memoryMiB = 16): ReleaseRow => ({
  app: 'thermo' as AppName,
  version: version as Version,
  counter: 1,
  digest: 'a'.repeat(64) as Digest,
  length: 1,
  world: 'reactor',
  imports: ['wasi:clocks/wall-clock@0.2.12'],
  exports: [],
  grants,
  memoryMiB,
  signers: [],
  published: new Date(0),
});

const held = (more: Partial<ChannelApp> = {}): ChannelApp => ({
  channel: 'stable' as ChannelName,
  app: 'thermo' as AppName,
  version: '1.0.0' as Version,
  grants: { clock: true },
  config: { unit: 'C' },
  limits: Limits.parse({ memoryMiB: 16 }),
  triggers: { everyMs: 1000 },
  health: HealthRule.parse({}),
  isolation: 'shared',
  since: new Date(0),
  revision: 1,
  ...more,
});

const old = release('1.0.0', { clock: true });
const next = release('1.1.0', { clock: true, random: true }, 64);
const body = (more: object = {}) => MoveChannel.parse({ version: '1.1.0', ...more });

describe('a channel that did not hold the app', () => {
  test('takes what the release asks for, and defaults', () => {
    expect(planMove(body(), undefined, { next, current: undefined })).toEqual({
      version: '1.1.0',
      grants: next.grants,
      config: {},
      limits: Limits.parse({ memoryMiB: 64 }),
      isolation: 'shared',
      triggers: {},
      health: HealthRule.parse({}),
    });
  });
});

describe('a channel that holds the app', () => {
  test('keeps configuration, triggers and health, and follows what nobody set', () => {
    const plan = planMove(body(), held(), { next, current: old });
    expect(plan).toMatchObject({ config: { unit: 'C' }, triggers: { everyMs: 1000 }, grants: next.grants });
    expect(plan.limits.memoryMiB).toBe(64);
  });

  test('keeps an approval and a memory limit that a person set', () => {
    const wide = release('1.0.0', { clock: true, random: true });
    const plan = planMove(body(), held({ limits: Limits.parse({ memoryMiB: 24 }) }), { next, current: wide });
    expect(plan.grants).toEqual({ clock: true });
    expect(plan.limits.memoryMiB).toBe(24);
  });

  test('asks for a new approval when the one it has is more than the release asks for', () => {
    const kept = held({ grants: { clock: true, random: true } });
    const narrower = {
      next: release('1.1.0', { clock: true }),
      current: release('1.0.0', { clock: true, random: true, environment: {} }),
    };
    expect(() => planMove(body(), kept, narrower)).toThrow(/random is more than thermo 1.1.0 asks for/);
  });
});

test('a move to what is there already changes nothing, whatever order its keys come in', () => {
  const kept = held({ version: '1.1.0' as Version, grants: { random: true, clock: true } });
  const plan = planMove(body({ grants: { clock: true, random: true } }), kept, { next, current: next });
  expect(changesNothing(kept, { ...plan, limits: kept.limits })).toBe(true);
  expect(changesNothing(kept, { ...plan, config: { unit: 'F' } })).toBe(false);
  expect(changesNothing(undefined, plan)).toBe(false);
});
