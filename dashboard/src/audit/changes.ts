/** What an event changed, as lines for people: the names that differ between before and after. */

export interface Change {
  /** Dotted path; empty where before or after is no object. */
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Text as it is, all else as JSON; null for what is not there. */
function words(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function compare(name: string, before: unknown, after: unknown): Change[] {
  const isTree = (isRecord(before) || before == null) && (isRecord(after) || after == null);
  if (isTree && (isRecord(before) || isRecord(after))) {
    const [left, right] = [before ?? {}, after ?? {}] as [Record<string, unknown>, Record<string, unknown>];
    const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
    return names.flatMap((each) => compare(name === '' ? each : `${name}.${each}`, left[each], right[each]));
  }
  const change = { name, before: words(before), after: words(after) };
  return change.before === change.after ? [] : [change];
}

export const changesOf = (before: unknown, after: unknown): Change[] => compare('', before, after);
