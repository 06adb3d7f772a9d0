/** The components that journeys publish: checked in, so that their digests are the same wherever they run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const GUESTS = join(import.meta.dirname, '../../guests');

/** In C: answers a seed with what a processor makes of WebAssembly's numbers. */
export const ANSWERS = readFileSync(join(GUESTS, 'answers.wasm'));

/** In JavaScript, with an engine of a megabyte: does what it is told to. */
export const ACTOR = readFileSync(join(GUESTS, 'actor.wasm'));

/**
 * Another release of the same behaviour, with a digest of its own: a custom section (component model,
 * Binary.md) that says what it is for.
 */
export function variant(component: Uint8Array, name: string): Uint8Array {
  const field = Buffer.from(name);
  const title = Buffer.from('variant');
  if (field.length > 64) throw new Error('a name of one byte of length');
  const section = Buffer.concat([Buffer.from([title.length]), title, field]);
  return Buffer.concat([component, Buffer.from([0, section.length]), section]);
}

/** Emulated boards take their time; what a deadline is for is tried with another. */
export const LIMITS = { deadlineMs: 20_000 };
export const HEALTH = { probeWithinMs: 20_000, soakMs: 500, probeEveryMs: 500, maxLatencyPercent: 1_000_000 };
const TOPICS = { publish: ['out/#'], subscribe: ['do/#'] };

export const ANSWERS_MANIFEST = {
  world: 'reactor',
  grants: { messaging: TOPICS },
  limits: { ...LIMITS, memoryMiB: 1 },
  health: HEALTH,
};

/** All that the actor imports, and no store or topic but these. */
export const actorManifest = (release: string, more: { config?: object; [key: string]: unknown } = {}) => ({
  world: 'reactor',
  grants: {
    messaging: TOPICS,
    clock: true,
    random: true,
    keyvalue: [{ store: 'default', maxBytes: 65_536 }],
  },
  limits: { ...LIMITS, memoryMiB: 32, messagesPerMinute: 60_000, outgoingBytesPerMinute: 16_777_216 },
  health: HEALTH,
  ...more,
  config: { release, ...more.config },
});
