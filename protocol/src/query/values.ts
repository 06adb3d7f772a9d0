/** Values of queries: token → what it stands for, or a mistake that says what would be right. */
import { ChannelName, Version } from '../ids.ts';
import { Mistake, type Token } from './lex.ts';
import { AGE_UNITS, MEMORY_UNITS } from './query.ts';

/** Reads a value, or throws a Mistake that says what would be one. */
export type Read<V> = (token: Token) => V;

export const shown = ({ kind, text }: Token): string => (kind === 'end' ? 'Something' : JSON.stringify(text));

export const orList = (words: readonly string[]): string => words.join(', ');

export const anyText: Read<string> = ({ text }) => text;

export function oneOf<Word extends string>(words: readonly Word[]): Read<Word> {
  return (token) => {
    const found = words.find((word) => word === token.text);
    if (found === undefined) throw new Mistake(token, `${shown(token)} is none of: ${orList(words)}.`);
    return found;
  };
}

export const version: Read<Version> = (token) => {
  const parsed = Version.safeParse(token.text);
  if (!parsed.success)
    throw new Mistake(token, `${shown(token)} is no version: write one such as 1.4.0 or 2.0.0-rc.1.`);
  return parsed.data;
};

export const channel: Read<string> = (token) => {
  if (!ChannelName.safeParse(token.text).success)
    throw new Mistake(token, `${shown(token)} is no name of a channel: write one such as stable.`);
  return token.text;
};

export const wholeNumber: Read<number> = (token) => {
  if (!/^\d{1,15}$/.test(token.text))
    throw new Mistake(token, `${shown(token)} is no whole number: write one such as 4.`);
  return Number(token.text);
};

const measure =
  (units: typeof MEMORY_UNITS, what: string): Read<number> =>
  (token) => {
    const [, count, unit] = /^(\d{1,12})([A-Za-z]*)$/.exec(token.text) ?? [];
    const size = units.find(([name]) => name === unit)?.[1];
    if (count === undefined || size === undefined || !Number.isSafeInteger(Number(count) * size))
      throw new Mistake(
        token,
        `${shown(token)} is no ${what}: write a number with one of ${orList(units.map(([name]) => name))}.`,
      );
    return Number(count) * size;
  };
export const memory = measure(MEMORY_UNITS, 'size');
export const age = measure(AGE_UNITS, 'time');
