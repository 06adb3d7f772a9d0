import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppName, Version } from '../ids.ts';
import { parseQuery } from './parse.ts';
import { printQuery } from './print.ts';
import * as q from './query.ts';
import type { Query, Test, Values } from './query.ts';

const parsed = (text: string): Query => {
  const result = parseQuery(text);
  if (result.query === undefined) throw new Error(result.mistake.message);
  return result.query;
};
const mistake = (text: string): { column: number; length: number; message: string } => {
  const result = parseQuery(text);
  if (result.query !== undefined) throw new Error(`it was read: ${printQuery(result.query)}`);
  return result.mistake;
};

describe('a query', () => {
  test('is read as people write it', () => {
    expect(
      parsed(
        'architecture = riscv64 and tag.site = berlin and online and release.thermo >= 1.2.0 and not health = failing and memory >= 512MiB',
      ),
    ).toEqual({
      kind: 'and',
      of: [
        { kind: 'text', field: 'architecture', op: '=', values: ['riscv64'] },
        { kind: 'tag', key: 'site', op: '=', values: ['berlin'] },
        { kind: 'presence', is: 'online' },
        { kind: 'release', app: 'thermo', op: '>=', values: ['1.2.0'] },
        { kind: 'not', of: { kind: 'health', op: '=', values: ['failing'] } },
        { kind: 'number', field: 'memory', op: '>=', values: [536_870_912] },
      ],
    });
  });

  test('binds not before and before or, and parentheses before all', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((key) => ({ kind: 'tagged', key }));
    expect(parsed('tag.a or tag.b and not tag.c')).toEqual({
      kind: 'or',
      of: [a, { kind: 'and', of: [b, { kind: 'not', of: c }] }],
    });
    expect(parsed('(tag.a or tag.b) and tag.c')).toEqual({
      kind: 'and',
      of: [{ kind: 'or', of: [a, b] }, c],
    });
  });

  test.each([
    ['tag.site', 'tag.site'],
    ['tag."a key" = "Sankt Pölten, 2"', 'tag."a key" = "Sankt Pölten, 2"'],
    ['NOT online  OR(silent>120m)', 'not online or silent > 2h'],
    ['memory in (1024MiB,1536KiB)', 'memory in (1GiB, 1536KiB)'],
    ['enrolled >= 90d', 'enrolled >= 90d'],
    ['channel in (stable, beta) and cores >= 4', 'channel in (stable, beta) and cores >= 4'],
    ['release.thermo != missing', 'release.thermo != missing'],
    ['release.thermo in (1.0.0-rc.1)', 'release.thermo in (1.0.0-rc.1)'],
    ['name = "and" and id ~ d-', 'name = "and" and id ~ d-'],
    [String.raw`name = "a \"b\" \\"`, String.raw`name = "a \"b\" \\"`],
    ['agent < 1.0.0', 'agent < 1.0.0'],
    ['silent < 0h', 'silent < 0s'],
  ])('%s is written %s', (text, written) => expect(printQuery(parsed(text))).toBe(written));
});

describe('a mistake is pointed at, with what would be right:', () => {
  test.each([
    ['', 1, 0, 'Write not, ( or a field: id, name,'],
    ['archtecture = x64', 1, 11, '"archtecture" is no field. Write not, ( or a field: id,'],
    ['online and', 11, 0, 'Write not, ( or a field'],
    ['online offline', 8, 7, '"offline" is too much here: write and, or, or nothing.'],
    ['(online or offline', 19, 0, 'the ) that belongs to the ( at column 1'],
    ['online)', 7, 1, '")" is too much here'],
    ['memory ~ 5MiB', 8, 1, '"~" does not go after memory. Write one of: = != < <= > >= in'],
    ['memory >= 512', 11, 3, 'is no size: write a number with one of TiB, GiB, MiB, KiB, B.'],
    ['silent > 2', 10, 1, 'is no time: write a number with one of d, h, m, s.'],
    ['silent = 2h', 8, 1, 'Write one of: < <= > >='],
    ['cores > many', 9, 4, 'is no whole number'],
    ['release.thermo >= 1.2', 19, 3, 'is no version: write one such as 1.4.0'],
    ['release.thermo > running', 16, 1, 'Write one of: = !='],
    ['release.Root = 1.0.0', 1, 12, 'names no app: write release.<app>'],
    ['health = ill', 10, 3, 'is none of: healthy, failing, offline, unknown.'],
    ['channel = "über"', 11, 6, 'is no name of a channel'],
    ['name', 5, 0, 'An operator is missing after name. Write one of: = != ~ in'],
    ['name =', 7, 0, 'A value is missing'],
    ['name = and', 8, 3, 'to mean the word itself, write "and" in quotes'],
    ['name in a', 9, 1, 'Write the values in parentheses: in (a, b).'],
    ['name in (a b)', 12, 1, 'Write , and another value, or ).'],
    ['name = "a', 8, 2, 'This quote is not closed'],
    ['name ! a', 6, 1, '"!" means nothing here: put it in quotes.'],
    ['tag. = x', 1, 4, 'A tag is written tag.<key>'],
    ['"online"', 1, 8, '"online" is no field'],
    [`${'('.repeat(25)}online${')'.repeat(25)}`, 21, 1, 'nested too deeply'],
    [`name = ${'x'.repeat(2000)}`, 1, 2007, 'too long'],
  ])('%s', (text, column, length, message) => {
    expect(mistake(text)).toMatchObject({ column, length });
    expect(mistake(text).message).toContain(message);
  });

  test('whatever is typed, the answer is a query or a place inside the text', () => {
    const pieces = [
      'and',
      'not',
      '(',
      ')',
      'tag.',
      'name',
      '=',
      '"',
      'in',
      ',',
      'online',
      ' ',
      '1.2.0',
      '\\',
      '😀',
    ];
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 12 }), (some) => {
        const text = some.join(' ');
        const result = parseQuery(text);
        if (result.query !== undefined) return;
        expect(result.mistake.column).toBeGreaterThanOrEqual(1);
        expect(result.mistake.column - 1 + result.mistake.length).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 2000 },
    );
  });
});

const listOf = <V>(of: fc.Arbitrary<V>): fc.Arbitrary<Values<V>> =>
  fc.array(of, { minLength: 1, maxLength: 4 }).map((some) => some as unknown as Values<V>);
/** One value, or several with `in`. */
const compared = <Op extends string, V>(ops: readonly Op[], of: fc.Arbitrary<V>) =>
  fc
    .constantFrom(...ops)
    .chain((op) =>
      (op === 'in' ? listOf(of) : of.map((one): Values<V> => [one])).map((values) => ({ op, values })),
    );
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom('and', 'OR', 'not', 'in', '', ' ', '"', '\\', 'a b', '1.2.0', 'online'),
);
const versions = fc
  .constantFrom('0.0.1', '1.2.3', '1.0.0-rc.1', '10.20.30-a.b-c.7')
  .map((v) => Version.parse(v));
const app = fc.constantFrom('thermo', 'a-1').map((name) => AppName.parse(name));
const key = text.filter((some) => some.length > 0);
const tests: fc.Arbitrary<Test> = fc.oneof(
  fc.constantFrom('online' as const, 'offline' as const).map((is): Test => ({ kind: 'presence', is })),
  fc
    .tuple(fc.constantFrom(...q.TEXT_FIELDS), compared(q.TEXT_OPERATORS, text))
    .map(([field, rest]): Test => ({ kind: 'text', field, ...rest })),
  compared(q.SET_OPERATORS, fc.constantFrom('stable', 'beta-2')).map((rest): Test => ({
    kind: 'channel',
    ...rest,
  })),
  key.map((each): Test => ({ kind: 'tagged', key: each })),
  fc
    .tuple(key, compared(q.TEXT_OPERATORS, text))
    .map(([each, rest]): Test => ({ kind: 'tag', key: each, ...rest })),
  compared(q.SET_OPERATORS, fc.constantFrom(...q.QUERY_HEALTH)).map((rest): Test => ({
    kind: 'health',
    ...rest,
  })),
  fc
    .tuple(fc.constantFrom('cores' as const, 'memory' as const), compared(q.ORDER_OPERATORS, fc.nat(2 ** 31)))
    .map(([field, rest]): Test => ({ kind: 'number', field, ...rest })),
  fc
    .tuple(
      fc.constantFrom('silent' as const, 'enrolled' as const),
      fc.constantFrom(...q.AGE_OPERATORS),
      fc.nat(10 ** 6),
    )
    .map(([field, op, seconds]): Test => ({ kind: 'age', field, op, ms: seconds * 1000 })),
  compared(q.ORDER_OPERATORS, versions).map((rest): Test => ({ kind: 'agent', ...rest })),
  fc
    .tuple(app, compared(q.ORDER_OPERATORS, versions))
    .map(([name, rest]): Test => ({ kind: 'release', app: name, ...rest })),
  fc
    .tuple(app, fc.constantFrom(...q.EITHER_OPERATORS), fc.constantFrom(...q.APP_PRESENCE))
    .map(([name, op, is]): Test => ({ kind: 'app', app: name, op, is })),
);
const { query: queries } = fc.letrec<{ query: Query }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tests,
    fc
      .tuple(
        fc.constantFrom('and' as const, 'or' as const),
        fc.array(tie('query'), { minLength: 2, maxLength: 3 }),
      )
      .map(([kind, of]): Query => ({ kind, of: of as unknown as [Query, Query] })),
    tie('query').map((of): Query => ({ kind: 'not', of })),
  ),
}));

test('what is printed is read as the same query', () => {
  fc.assert(
    fc.property(queries, (query) => {
      const written = printQuery(query);
      fc.pre(written.length <= q.MAX_QUERY_LENGTH);
      expect(parseQuery(written)).toEqual({ query });
    }),
    { numRuns: 2000 },
  );
});
