import { Simulation } from '@wafer/protocol/simulate';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { census, natureOf } from './nature.ts';

const mix = Simulation.parse({
  devices: 5000,
  seed: 'a',
  behaviours: { fail: 2, trap: 1, silent: 1, slow: 5, flapping: 2 },
  architectures: { x64: 50, arm64: 30, riscv64: 20 },
  bad: [],
  slowMs: 1000,
  healthEverySeconds: 30,
  folder: '/nowhere',
  mayLeaveThisMachine: false,
});

const told = (seed: string, index: number) => {
  const { behaviour, architecture, draw } = natureOf({ ...mix, seed }, index);
  return { behaviour, architecture, load: draw('load') };
};

test('what a device does follows from the seed and its number, and is the same every time', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.nat(10_000), (seed, index) => {
      expect(told(seed, index)).toEqual(told(seed, index));
    }),
  );
});

test('another seed gives another fleet', () => {
  const all = (seed: string) => Array.from({ length: 200 }, (_, index) => told(seed, index).behaviour);
  expect(all('a')).not.toEqual(all('b'));
});

test('of many devices, about as many do something as was asked for', () => {
  const { behaviours, architectures } = census(mix);
  const expected = { fail: 100, trap: 50, silent: 50, slow: 250, flapping: 100, sound: 4450 };
  for (const [name, count] of Object.entries(expected)) {
    expect(Math.abs((behaviours[name] ?? 0) - count), name).toBeLessThan(4 * Math.sqrt(count) + 1);
  }
  expect(architectures['x64']! + architectures['arm64']! + architectures['riscv64']!).toBe(5000);
  expect(Math.abs(architectures['arm64']! - 1500)).toBeLessThan(150);
});

test('without behaviours everybody is sound', () => {
  expect(census({ ...mix, behaviours: {} }).behaviours).toEqual({ sound: 5000 });
});

test.each([
  ['shares of more than everybody', { behaviours: { fail: 60, slow: 50 } }, /more than 100 %/],
  ['a behaviour that there is not', { behaviours: { explode: 1 } }, /explode/],
  [
    'architectures that leave devices without one',
    { architectures: { x64: 50 } },
    /together they must be 100 %/,
  ],
  ['no devices', { devices: 0 }, /devices/],
])('refuses %s', (_, change, words) => {
  const parsed = Simulation.safeParse({ ...mix, ...change });
  expect(parsed.success).toBe(false);
  expect(JSON.stringify(parsed.error?.issues)).toMatch(words);
});
