/** What came of a change of trust, for people. */
import type { Outcome } from './ceremony.ts';

export function describeOutcome({ state, file, changes, signedWith, missing, moved }: Outcome): string {
  const signed = signedWith.length === 0 ? [] : [`signed with ${signedWith.join(', ')}`];
  if (state === 'published') {
    const where =
      moved === null
        ? []
        : [`channel ${moved.channel} holds it now; devices that were told: ${moved.devices}`];
    return [...changes, ...signed, 'the server has it now', ...where].join('\n');
  }
  const still = missing.map(
    ({ document, by, count, keys }) => `  ${document} lacks ${count} of the ${by}: ${keys.join(', ')}`,
  );
  return [
    ...changes,
    ...signed,
    missing.length === 0
      ? `complete: hand it over with wafer keys publish ${file ?? ''}`
      : `waiting in ${file ?? ''}; carry it to the other keys and run wafer keys sign there`,
    ...still,
  ].join('\n');
}
