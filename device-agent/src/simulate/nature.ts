/** Who does what: a pure function of the seed and the device's number, so the same fleet acts the same every time. */
import { createHash } from 'node:crypto';
import type { Behaviour, Simulation } from '@wafer/protocol/simulate';

export interface Nature {
  readonly behaviour: Behaviour | 'sound';
  readonly architecture: string;
  /** 0 to 1, for whatever else is particular to this device. */
  readonly draw: (purpose: string) => number;
}

type Mix = Pick<Simulation, 'seed' | 'behaviours' | 'architectures'>;

/** 0 to 1, evenly. */
const draw = (seed: string, index: number, purpose: string): number =>
  createHash('sha256')
    .update(JSON.stringify([seed, index, purpose]))
    .digest()
    .readUInt32BE() /
  2 ** 32;

/** The first whose share, added to those before it, goes beyond `at`; shares in percent. */
function pick(shares: Readonly<Record<string, number | undefined>>, at: number): string | undefined {
  let sum = 0;
  for (const name of Object.keys(shares).toSorted()) {
    sum += shares[name] ?? 0;
    if (at * 100 < sum) return name;
  }
  return undefined;
}

export function natureOf({ seed, behaviours, architectures }: Mix, index: number): Nature {
  const behaviour = pick(behaviours, draw(seed, index, 'behaviour')) as Behaviour | undefined;
  const architecture = pick(architectures, draw(seed, index, 'architecture'));
  return {
    behaviour: behaviour ?? 'sound',
    // Shares that are a rounding error short of 100 leave a gap at the end.
    architecture: architecture ?? Object.keys(architectures).toSorted().at(-1) ?? 'x64',
    draw: (purpose) => draw(seed, index, purpose),
  };
}

/** Name → how many of the first `devices` have it. */
export function census(mix: Mix & Pick<Simulation, 'devices'>) {
  const behaviours: Record<string, number> = {};
  const architectures: Record<string, number> = {};
  for (let index = 0; index < mix.devices; index += 1) {
    const { behaviour, architecture } = natureOf(mix, index);
    behaviours[behaviour] = (behaviours[behaviour] ?? 0) + 1;
    architectures[architecture] = (architectures[architecture] ?? 0) + 1;
  }
  return { behaviours, architectures };
}
