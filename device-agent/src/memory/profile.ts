/** What suits a board by its memory, where its owner's config does not say otherwise. */

const MIB = 2 ** 20;

/** A board of 512 MB says a little less than that, and one of 1 GB more than this. */
const SMALL_BYTES = 700 * MIB;

export interface Profile {
  /** Warm threads that guests share; each takes about ten megabytes. */
  readonly isolates: number;
  /** Most that the transpiler's own memory may grow to, MiB. */
  readonly transpilerMiB: number;
  /** Below this much available memory the largest guest goes. */
  readonly reserveBytes: number;
}

export function profileOf(totalBytes: number): Profile {
  if (totalBytes <= SMALL_BYTES) return { isolates: 1, transpilerMiB: 256, reserveBytes: 24 * MIB };
  return { isolates: 2, transpilerMiB: 512, reserveBytes: 48 * MIB };
}
