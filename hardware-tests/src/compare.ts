/** Whether rigs answered alike. Pure. */
import type { Answers } from './journeys/journey.ts';

export interface Answered {
  readonly rig: string;
  readonly answers: ReadonlyMap<string, Answers>;
}

/** Each answer that differs from the first rig's that gave one, in words; none where all are the same. */
export function differences(rigs: readonly Answered[]): string[] {
  const first = new Map<string, { readonly rig: string; readonly text: string }>();
  const found: string[] = [];
  for (const { rig, answers } of rigs) {
    for (const [journey, given] of answers) {
      for (const [question, text] of Object.entries(given)) {
        const key = `${journey}, ${question}`;
        const known = first.get(key);
        if (known === undefined) first.set(key, { rig, text });
        else if (!Buffer.from(known.text).equals(Buffer.from(text)))
          found.push(`${key}: ${known.rig} answers ${known.text.trim()}, ${rig} answers ${text.trim()}`);
      }
    }
  }
  return found;
}
