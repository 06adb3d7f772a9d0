import type { RigResult } from '@wafer/protocol/hardware';
import { describe, expect, it } from 'vitest';
import { matrixOf, remarksOf } from './matrix.ts';

const rig = (more: Partial<RigResult>): RigResult => ({
  rig: 'local',
  kind: 'process',
  arch: 'x64',
  os: 'Linux',
  node: 'v24.21.0',
  status: 'ran',
  journeys: [],
  ...more,
});
const local = rig({
  journeys: [
    { journey: 'install', outcome: 'passed', ms: 900 },
    { journey: 'swap', outcome: 'failed', detail: 'lost 2 calls', ms: 40 },
  ],
});
const emulated = rig({
  rig: 'riscv64',
  kind: 'emulated',
  journeys: [
    { journey: 'install', outcome: 'passed', ms: 90_000 },
    { journey: 'pins', outcome: 'skipped', detail: 'no gpio-sim in this kernel' },
  ],
});
const absent = rig({
  rig: 'pi',
  kind: 'board',
  status: 'skipped',
  why: 'it does not answer',
  journeys: [{ journey: 'install', outcome: 'passed' }],
});

describe('the board matrix', () => {
  it('has a row for each journey and a cell for each rig; what a rig did not run is skipped', () => {
    const rows = matrixOf({ rigs: [local, emulated] });
    expect(rows.map(({ journey, cells }) => [journey, ...cells.map(({ outcome }) => outcome)])).toEqual([
      ['install', 'passed', 'passed'],
      ['swap', 'failed', 'skipped'],
      ['pins', 'skipped', 'skipped'],
    ]);
  });

  it('shows no time of an emulated rig', () => {
    const [install] = matrixOf({ rigs: [local, emulated] });
    expect(install?.cells.map(({ ms }) => ms)).toEqual([900, undefined]);
  });

  it('shows no time of what was skipped', () => {
    const later = rig({ journeys: [{ journey: 'install', outcome: 'skipped', ms: 0 }] });
    expect(matrixOf({ rigs: [later] })[0]?.cells[0]?.ms).toBeUndefined();
  });

  it('takes a skipped rig for skipped, whatever its journeys say', () => {
    expect(matrixOf({ rigs: [absent] })[0]?.cells[0]?.outcome).toBe('skipped');
  });

  it('says why what did not pass did not, failures first', () => {
    expect(remarksOf({ rigs: [absent, emulated, local] })).toEqual([
      { outcome: 'failed', where: 'local, swap', why: 'lost 2 calls' },
      { outcome: 'skipped', where: 'pi', why: 'it does not answer' },
      { outcome: 'skipped', where: 'riscv64, pins', why: 'no gpio-sim in this kernel' },
    ]);
  });
});
