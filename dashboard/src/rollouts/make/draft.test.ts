import { CreateRollout } from '@wafer/protocol/rollouts';
import { describe, expect, test } from 'vitest';
import { defaultName, firstDraft, GATE, moved, newWave, parseDraft, type RolloutDraft } from './draft.ts';
import { placesOf } from './places.ts';

const first = firstDraft('stable', [{ app: 'thermo', version: '1.1.0' }]);
const order = (change: Partial<RolloutDraft> = {}): CreateRollout => {
  const parsed = parseDraft({ ...first, ...change });
  if (!parsed.success) throw parsed.error;
  return parsed.data;
};
const places = (change: Partial<RolloutDraft>): Record<string, string> => {
  const parsed = parseDraft({ ...first, ...change });
  return parsed.success ? {} : Object.fromEntries(placesOf(parsed.error.issues));
};
const [canaries, tenth, rest] = first.waves as [WaveRow, WaveRow, WaveRow];
type WaveRow = RolloutDraft['waves'][number];

describe('a new rollout', () => {
  test('goes to five of each architecture, to a tenth, and to the rest unless told otherwise', () => {
    expect(order().waves.map(({ devices }) => devices)).toEqual([
      { of: 'architecture', each: 5 },
      { of: 'percent', percent: 10 },
      { of: 'rest' },
    ]);
    expect(order().waves.map(({ gate }) => gate.soakMinutes)).toEqual([10, 10, 0]);
  });

  test('that leaves everything else alone has the defaults of the API', () => {
    const { channel, targets } = order();
    const plain = CreateRollout.parse({ name: 'x', channel, targets });
    const { name: _, waves: __, ...others } = order();
    const { name: ___, waves: ____, ...defaults } = plain;
    expect(others).toEqual(defaults);
    expect(order().waves.at(-1)).toEqual(plain.waves[0]);
  });

  test('is called by what it brings where', () => {
    expect(defaultName(first)).toBe('thermo 1.1.0 to stable');
    expect(order({ name: ' autumn ' }).name).toBe('autumn');
  });

  test('names whom it is for, when it is only for some', () => {
    expect(order().among).toBeUndefined();
    const among = { group: 'lab', tags: ['site=oslo', 'note=a=b'], devices: [] };
    expect(order({ among }).among).toEqual({ group: 'lab', tags: { site: 'oslo', note: 'a=b' } });
  });

  test('takes every kind of wave', () => {
    const waves = [
      { ...canaries, of: 'count' as const, amount: 3 },
      { ...canaries, of: 'hash' as const, amount: 250 },
      { ...canaries, of: 'group' as const, word: 'lab' },
      { ...canaries, of: 'tag' as const, word: 'site', value: 'oslo' },
      rest,
    ];
    expect(order({ waves }).waves.map(({ devices }) => devices)).toEqual([
      { of: 'count', count: 3 },
      { of: 'hash', below: 250 },
      { of: 'group', group: 'lab' },
      { of: 'tag', key: 'site', value: 'oslo' },
      { of: 'rest' },
    ]);
  });

  test('compares health only where that is switched on', () => {
    const compares = { ...canaries, gate: { ...GATE, soakMinutes: 30, compares: true } };
    expect(order({ waves: [compares, rest] }).waves.map(({ gate }) => gate.compare)).toEqual([
      { faultPoints: 5, latencyPercent: 50, memoryPercent: 50, minDevices: 3 },
      undefined,
    ]);
  });

  test('begins at an instant, whatever zone it was typed in', () => {
    expect(order({ startAt: '2026-12-01T08:00' }).startAt).toBe(new Date('2026-12-01T08:00').toISOString());
  });
});

describe('what does not fit is said where it stands', () => {
  test('an amount that is missing or out of bounds', () => {
    expect(places({ waves: [{ ...tenth, amount: undefined }, rest] })).toEqual({
      'waves/0/devices/percent': 'Fill this in',
    });
    expect(places({ waves: [{ ...tenth, amount: 300 }, rest] })).toEqual({
      'waves/0/devices/percent': 'At most 100',
    });
  });

  test('waves of which the last does not take the rest', () => {
    expect(places({ waves: [canaries, newWave(9)] })).toEqual({
      waves: expect.stringMatching(/^the last one takes the rest/),
    });
  });

  test('a comparison without a soak to compare in', () => {
    const gate = { ...GATE, compares: true };
    expect(places({ waves: [{ ...canaries, gate }, rest] })).toEqual({
      'waves/0/gate/compare': expect.stringContaining('soakMinutes'),
    });
  });

  test('a rule that names neither a count nor a share, and days that end before they begin', () => {
    const gate = { ...GATE, faults: [{ kind: 'trap' as const, count: undefined, percent: undefined }] };
    expect(
      places({
        waves: [{ ...canaries, gate }, rest],
        blackouts: [{ from: '2026-12-24', to: '2026-12-20' }],
      }),
    ).toEqual({
      'waves/0/gate/faults/0': 'give count or percent',
      'blackouts/0': 'it ends before it begins',
    });
  });
});

test('rows are moved by one place and stay where there is none', () => {
  expect(moved(['a', 'b', 'c'], 1, -1)).toEqual(['b', 'a', 'c']);
  expect(moved(['a', 'b', 'c'], 1, 1)).toEqual(['a', 'c', 'b']);
  expect(moved(['a', 'b'], 0, -1)).toEqual(['a', 'b']);
});
