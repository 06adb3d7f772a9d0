/** What does not fit, by the place in the order: `waves/0/devices/percent`. One way for what the schema says here and what the server answers. */
import type { z } from 'zod';
import type { RequestFailed } from '../../api/client.ts';

export type Places = ReadonlyMap<string, string>;

/** A rule over several places begins with the one that it is about: `waves: the last one …`. */
const LED = /^([a-z]\w*): (.+)$/s;
/** The server's own rules: `body/windows/0/cron: "…" is not understood`. */
const PLACED = /^body\/([\w/-]+): (.+)$/s;

function placed(path: string, message: string): [string, string] {
  const led = LED.exec(message);
  if (led === null) return [path, message];
  return [path === '' ? `${led[1]}` : `${path}/${led[1]}`, `${led[2]}`];
}

function wordsOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return 'Fill this in';
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `At least ${issue.minimum}`
        : 'Fill this in';
    case 'too_big':
      return issue.origin === 'string' ? `At most ${issue.maximum} characters` : `At most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

/** The first word on each place counts. */
function gathered(entries: readonly (readonly [string, string])[]): Map<string, string> {
  const places = new Map<string, string>();
  for (const [path, message] of entries) if (!places.has(path)) places.set(path, message);
  return places;
}

export const placesOf = (issues: readonly z.core.$ZodIssue[]): Map<string, string> =>
  gathered(issues.map((issue) => placed(issue.path.join('/'), wordsOf(issue))));

/** What the server found, at its places; empty where it names none. */
export function placesOfFailure({
  places,
  message,
}: Pick<RequestFailed, 'places' | 'message'>): Map<string, string> {
  const named = places.map(({ path, message: words }) => placed(path.replace(/^body\/?/, ''), words));
  const own = PLACED.exec(message);
  return gathered([...named, ...(named.length === 0 && own ? [[`${own[1]}`, `${own[2]}`] as const] : [])]);
}

const ROWS: Readonly<Record<string, string>> = {
  waves: 'wave',
  targets: 'release',
  windows: 'window',
  blackouts: 'days',
};

/** For people, who count from one: `waves/1/devices/percent` is in `wave 2`. */
export function placeInWords(path: string): string {
  const [head = '', row] = path.split('/');
  const word = ROWS[head];
  return word === undefined || row === undefined ? head : `${word} ${Number(row) + 1}`;
}
