/**
 * How long a guest that keeps failing has to wait before it is made again: the first failures cost
 * nothing, then the pause doubles. Whether it is to run at all is decided by whoever counts its faults.
 */

/** Failures in a row that are followed by a new instance at once. */
const FORGIVEN = 2;
const FIRST_MS = 1000;
const LONGEST_MS = 60_000;

export const pauseAfter = (failuresInARow: number): number =>
  failuresInARow <= FORGIVEN
    ? 0
    : Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(30, failuresInARow - FORGIVEN - 1));
