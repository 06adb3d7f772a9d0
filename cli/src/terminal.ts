/** What a terminal can, that a file or a pipe cannot: colours, and drawing over what was drawn. */
import type { Writable } from 'node:stream';

/** Where a command writes; of the last three a file or a pipe has none. */
export type Terminal = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** A terminal that does not know its size says 0. */
export const sizeOf = ({ columns = 0, rows = 0 }: Terminal): { columns: number; rows: number } => ({
  columns: columns > 0 ? columns : 80,
  rows: rows > 0 ? rows : 24,
});

export type Tone = 'good' | 'bad' | 'warn' | 'plain' | 'quiet' | 'message';

const COLOURS: Readonly<Record<Tone, readonly [on: number, off: number]>> = {
  good: [32, 39],
  bad: [31, 39],
  warn: [33, 39],
  plain: [0, 0],
  quiet: [2, 22],
  message: [36, 39],
};

/** https://no-color.org: any value but the empty one means none. */
export const takesColour = (
  { isTTY }: Terminal,
  env: Readonly<Record<string, string | undefined>>,
): boolean => isTTY === true && (env['NO_COLOR'] ?? '') === '';

/** `words` must be printable already. */
export const paint = (tone: Tone, words: string): string => {
  const [on, off] = COLOURS[tone];
  return on === 0 || words === '' ? words : `\u001b[${on}m${words}\u001b[${off}m`;
};

export type Paint = (tone: Tone, words: string) => string;

/** Paints where it can be seen, and leaves words alone elsewhere. */
export const painterOf = (terminal: Terminal, env: Readonly<Record<string, string | undefined>>): Paint =>
  takesColour(terminal, env) ? paint : (_, words) => words;
