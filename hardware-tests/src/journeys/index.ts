/** All journeys, in the order in which a board is taken through them: each finds what those before it left. */
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
  install,
  swap,
  rollback,
  power,
  offline,
  faults,
  pins,
];
