import { expect, it } from 'vitest';
import { differences } from './compare.ts';

const rig = (name: string, journeys: Record<string, Record<string, string>>) => ({
  rig: name,
  answers: new Map(Object.entries(journeys)),
});

it('rigs that answer with the same bytes do not differ', () => {
  const answers = { install: { seed: 'f64 00ff\n', count: '1' } };
  expect(differences([rig('local', answers), rig('arm64', answers), rig('riscv64', answers)])).toEqual([]);
});

it('one byte is a difference, and it is named with both rigs', () => {
  const found = differences([
    rig('local', { install: { seed: 'f64 00ff' } }),
    rig('riscv64', { install: { seed: 'f64 00fe' } }),
  ]);
  expect(found).toEqual(['install, seed: local answers f64 00ff, riscv64 answers f64 00fe']);
});

it('what only some rigs answered is compared among those', () => {
  const found = differences([
    rig('local', { enrol: { again: 'refused' } }),
    rig('arm64', { install: { seed: 'a' } }),
    rig('riscv64', { install: { seed: 'b' } }),
  ]);
  expect(found).toHaveLength(1);
  expect(found[0]).toContain('arm64 answers a, riscv64 answers b');
});
