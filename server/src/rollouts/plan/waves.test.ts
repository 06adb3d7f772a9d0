import { Wave, type WaveOf } from '@wafer/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PLACES, placeOf } from './place.ts';
import { assignWaves, type DeviceColumns } from './waves.ts';

const fleet = (size: number, more: Partial<DeviceColumns> = {}): DeviceColumns => ({
  ids: Array.from({ length: size }, (_, at) => `d-${`${at}`.padStart(16, '0')}`),
  architectures: Array.from({ length: size }, (_, at) => ['x64', 'arm64', 'riscv64'][at % 3] ?? ''),
  groups: new Map([['lab', Uint8Array.from({ length: size }, (_, at) => (at % 10 === 0 ? 1 : 0))]]),
  tags: Array.from({ length: size }, (_, at) => ({ floor: `${at % 4}` })),
  ...more,
});
const waves = (...rules: WaveOf[]): Wave[] => rules.map((devices) => Wave.parse({ devices }));
const rest: WaveOf = { of: 'rest' };
const idsOf = (columns: DeviceColumns, { wave }: { wave: Uint16Array }, number: number): string[] =>
  columns.ids.filter((_, index) => wave[index] === number);

describe('a device has a place', () => {
  test('that is the same in every year; these were written down once', () => {
    expect(
      ['d-aaaaaaaaaaaaaaaa', 'd-aaaaaaaaaaaaaaab', 'd-zzzzzzzzzzzzzzzz'].map((id) => placeOf(id, '')),
    ).toEqual([1002900805, 1057530510, 231330378]);
  });

  test('that another seed changes', () => {
    expect(placeOf('d-aaaaaaaaaaaaaaaa', 'other')).not.toBe(placeOf('d-aaaaaaaaaaaaaaaa', ''));
  });

  test('and places are spread evenly: each tenth of them has a tenth of the devices', () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const id of fleet(20_000).ids) {
      const tenth = Math.floor((placeOf(id, '') * 10) / PLACES);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 2000)).toBeLessThan(200);
  });
});

describe('waves', () => {
  test('by percent are shares of the whole, with what came before', () => {
    expect([
      ...assignWaves(
        waves({ of: 'percent', percent: 1 }, { of: 'percent', percent: 10 }, { of: 'percent', percent: 100 }),
        fleet(1000),
        '',
      ).sizes,
    ]).toEqual([10, 90, 900]);
  });

  test('by percent take at least one device, however few there are', () => {
    expect([...assignWaves(waves({ of: 'percent', percent: 1 }, rest), fleet(3), '').sizes]).toEqual([1, 2]);
  });

  test('of canaries hold so many of every architecture, or all that there are', () => {
    const columns = fleet(100, {
      architectures: Array.from({ length: 100 }, (_, at) => (at < 3 ? 'riscv64' : at < 30 ? 'arm64' : 'x64')),
    });
    const made = assignWaves(waves({ of: 'architecture', each: 5 }, rest), columns, '');
    const canaries = columns.architectures.filter((_, index) => made.wave[index] === 0);
    expect(canaries.toSorted()).toEqual([
      ...Array(5).fill('arm64'),
      ...Array(3).fill('riscv64'),
      ...Array(5).fill('x64'),
    ]);
  });

  test('by group and by tag hold just those that no earlier wave took', () => {
    const columns = fleet(100);
    const made = assignWaves(
      waves({ of: 'group', group: 'lab' }, { of: 'tag', key: 'floor', value: '2' }, rest),
      columns,
      '',
    );
    expect(idsOf(columns, made, 0)).toEqual(columns.ids.filter((_, at) => at % 10 === 0));
    expect(idsOf(columns, made, 1)).toEqual(columns.ids.filter((_, at) => at % 4 === 2 && at % 10 !== 0));
  });

  test('of a group that has emptied hold nobody', () => {
    expect([...assignWaves(waves({ of: 'group', group: 'gone' }, rest), fleet(7), '').sizes]).toEqual([0, 7]);
  });

  test('by hash hold the same devices when the fleet doubles', () => {
    const rule = waves({ of: 'hash', below: 1000 }, rest);
    const [small, large] = [fleet(1000), fleet(2000)];
    const before = idsOf(small, assignWaves(rule, small, ''), 0);
    const after = idsOf(large, assignWaves(rule, large, ''), 0);
    expect(before.length).toBeGreaterThan(50);
    expect(after).toEqual(expect.arrayContaining(before));
    expect(after.filter((id) => small.ids.includes(id))).toEqual(before);
  });

  test('refuse a list that would leave devices out', () => {
    expect(() => assignWaves(waves({ of: 'count', count: 2 }), fleet(3), '')).toThrow(
      '1 devices are in no wave',
    );
  });
});

const rules: fc.Arbitrary<WaveOf> = fc.oneof(
  fc.record({ of: fc.constant('percent' as const), percent: fc.integer({ min: 1, max: 100 }) }),
  fc.record({ of: fc.constant('count' as const), count: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ of: fc.constant('architecture' as const), each: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ of: fc.constant('hash' as const), below: fc.integer({ min: 1, max: 10_000 }) }),
  fc.constant({ of: 'group' as const, group: 'lab' }),
  fc.constant({ of: 'tag' as const, key: 'floor', value: '1' }),
);

test('whatever the waves: each device is in one, sizes add up, and the order is by wave and place', () => {
  fc.assert(
    fc.property(fc.array(rules, { maxLength: 5 }), fc.nat(200), fc.string(), (some, size, seed) => {
      const columns = fleet(size);
      const { wave, order, sizes } = assignWaves(waves(...some, rest), columns, seed);
      expect(sizes.reduce((sum, each) => sum + each, 0)).toBe(size);
      expect([...order].toSorted((a, b) => a - b)).toEqual(columns.ids.map((_, at) => at));
      const keys = [...order].map((at) => (wave[at] ?? 0) * PLACES + placeOf(columns.ids[at] ?? '', seed));
      expect(keys).toEqual(keys.toSorted((a, b) => a - b));
      for (const [number, count] of sizes.entries())
        expect(wave.filter((each) => each === number)).toHaveLength(count);
    }),
    { numRuns: 300 },
  );
});
