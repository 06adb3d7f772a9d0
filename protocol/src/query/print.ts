/** A query as the text that parse.ts makes the same tree of. */
import { AGE_UNITS, KEYWORDS, MEMORY_UNITS, WORD, type Query, type Test } from './query.ts';

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

const value = (text: string): string =>
  WORD.test(text) && !KEYWORDS.has(text.toLowerCase()) ? text : quoted(text);

const tagName = (key: string): string => `tag.${WORD.test(key) ? key : quoted(key)}`;

/** In the largest unit that leaves no fraction. */
function measured(count: number, units: typeof MEMORY_UNITS): string {
  const [unit, size] = units.find(([, each]) => count % each === 0) ?? ['', 1];
  return `${count / size}${unit}`;
}

/** Zero is written in the smallest. */
const amount = (count: number, units: typeof MEMORY_UNITS): string =>
  count === 0 ? `0${units.at(-1)?.[0]}` : measured(count, units);

const compared = (name: string, op: string, values: readonly string[]): string =>
  op === 'in' ? `${name} in (${values.join(', ')})` : `${name} ${op} ${values.join(', ')}`;

function printTest(test: Test): string {
  switch (test.kind) {
    case 'presence':
      return test.is;
    case 'text':
      return compared(test.field, test.op, test.values.map(value));
    case 'tag':
      return compared(tagName(test.key), test.op, test.values.map(value));
    case 'tagged':
      return tagName(test.key);
    case 'channel':
    case 'agent':
    case 'health':
      return compared(test.kind, test.op, test.values.map(value));
    case 'number':
      return compared(
        test.field,
        test.op,
        test.values.map((each) => (test.field === 'memory' ? amount(each, MEMORY_UNITS) : `${each}`)),
      );
    case 'age':
      return `${test.field} ${test.op} ${amount(test.ms, AGE_UNITS)}`;
    case 'release':
      return compared(`release.${test.app}`, test.op, test.values);
    case 'app':
      return `release.${test.app} ${test.op} ${test.is}`;
  }
}

/** `or` binds least, then `and`, then `not`. What stands inside its own kind keeps its parentheses. */
export function printQuery(query: Query): string {
  const inside = (child: Query, ...bare: Query['kind'][]): string =>
    (child.kind === 'and' || child.kind === 'or') && !bare.includes(child.kind)
      ? `(${printQuery(child)})`
      : printQuery(child);
  switch (query.kind) {
    case 'and':
      return query.of.map((child) => inside(child)).join(' and ');
    case 'or':
      return query.of.map((child) => inside(child, 'and')).join(' or ');
    case 'not':
      return `not ${inside(query.of)}`;
    case 'presence':
    case 'text':
    case 'tag':
    case 'tagged':
    case 'channel':
    case 'agent':
    case 'health':
    case 'number':
    case 'age':
    case 'release':
    case 'app':
      return printTest(query);
  }
}
