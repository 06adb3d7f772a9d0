/**
 * A journey is what a board must be able to do, told once and run on every rig. What it answers is
 * compared byte for byte between rigs, so nothing goes into it that may differ: no times, no ids, no
 * addresses. It throws when something does not hold.
 */
import type { Scene } from '../scene.ts';

/** Name of the question → what was answered. */
export type Answers = Readonly<Record<string, string>>;

export interface Journey {
  readonly name: string;
  readonly run: (scene: Scene) => Promise<Answers>;
}

/** Thrown by a journey that cannot be had on this rig, with the reason. */
export class JourneySkipped extends Error {
  override readonly name = 'JourneySkipped';
}

/** Throws, with these words, where it does not hold. */
export function must(holds: boolean, words: string): asserts holds {
  if (!holds) throw new Error(words);
}
