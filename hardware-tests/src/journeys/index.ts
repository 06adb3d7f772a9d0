/**
 * All journeys, in the order in which a board is taken through them: each finds what those before it left. The
 * power is cut while there is little to start again, for an emulated board starts slowly.
 */
import { enrol } from './enrol.ts';
import { faults } from './faults.ts';
import { install } from './install.ts';
import type { Journey } from './journey.ts';
import { offline } from './offline.ts';
import { pins } from './pins.ts';
import { power } from './power.ts';
import { rollback } from './rollback.ts';
import { swap } from './swap.ts';

export const JOURNEYS: readonly [Journey, ...Journey[]] = [
  enrol,
  power,
  install,
  swap,
  rollback,
  offline,
  faults,
  pins,
];

/** Those of these names, and the one that enrols; all where none is named. Throws where a name is nobody's. */
export function journeysNamed(names: readonly string[] | undefined): readonly Journey[] {
  if (names === undefined) return JOURNEYS;
  const stranger = names.find((name) => !JOURNEYS.some((journey) => journey.name === name));
  if (stranger !== undefined)
    throw new Error(
      `there is no journey ${stranger}; there are ${JOURNEYS.map(({ name }) => name).join(', ')}`,
    );
  return JOURNEYS.filter(({ name }, index) => index === 0 || names.includes(name));
}
