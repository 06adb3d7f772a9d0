/** Where a device stands in the queue of every rollout: a hash of its id, the same on every server and in every year. */

/** Places are below this; one ten-thousandth of it is what `of: hash` counts in. */
export const PLACES = 2 ** 30;

/**
 * FNV-1a over the seed and the id, with the finaliser of MurmurHash3 so that ids that differ in their
 * last letter stand far apart. Not for secrets: whoever may choose its id may choose its place, and no
 * device may.
 */
export function placeOf(id: string, seed: string): number {
  let hash = 0x811c9dc5;
  for (const text of [seed, id]) {
    for (let at = 0; at < text.length; at += 1)
      hash = Math.imul(hash ^ (text.codePointAt(at) ?? 0), 0x01000193);
    hash = Math.imul(hash ^ 0xff, 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % PLACES;
}
