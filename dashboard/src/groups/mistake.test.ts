import { parseQuery } from '@wafer/protocol/query/parse';
import { expect, test } from 'vitest';
import { marked } from './mistake.ts';

const shown = (text: string) => {
  const parsed = parseQuery(text);
  if (parsed.query !== undefined) throw new Error('nothing is wrong');
  return marked(text, parsed.mistake);
};

test('what is wrong in a query is marked where it stands', () => {
  expect(shown('online and site = x')).toEqual({ before: 'online and ', wrong: 'site', after: ' = x' });
});

test('what is missing is marked at its place, with nothing in it', () => {
  expect(shown('online and')).toEqual({ before: 'online and', wrong: '', after: '' });
});
