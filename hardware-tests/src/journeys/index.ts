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
