/**
 * The text of a query → its tree, by recursive descent:
 *
 *     any    = all  { "or" all }
 *     all    = one  { "and" one }
 *     one    = "not" one | "(" any ")" | test
 *     test   = "online" | "offline" | field [ operator value | "in" "(" value { "," value } ")" ]
 *
 * A mistake says what is wrong, where, and what would be right there.
 */
import { AppName } from '../ids.ts';
import { Mistake, tokensOf, type QueryMistake, type Token } from './lex.ts';
import {
  AGE_OPERATORS,
  APP_PRESENCE,
  FIELD_NAMES,
  KEYWORDS,
  MAX_QUERY_DEPTH,
  MAX_QUERY_LENGTH,
  ORDER_OPERATORS,
  QUERY_HEALTH,
  SET_OPERATORS,
  TEXT_FIELDS,
  TEXT_OPERATORS,
  type Query,
  type Test,
  type Values,
} from './query.ts';
import { printQuery } from './print.ts';
import {
  age,
  anyText,
  channel,
  memory,
  oneOf,
  orList,
  shown,
  version,
  wholeNumber,
  type Read,
} from './values.ts';

export type { QueryMistake } from './lex.ts';

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  whole(): Query {
    const query = this.#any(0);
    const next = this.#next;
    if (next.kind !== 'end')
      throw new Mistake(next, `${shown(next)} is too much here: write and, or, or nothing.`);
    return query;
  }

  get #next(): Token {
    return this.#tokens[this.#at] as Token;
  }

  /** Goes on, but never beyond the end. */
  #take(): Token {
    const token = this.#next;
    if (token.kind !== 'end') this.#at += 1;
    return token;
  }

  #isSymbol(text: string): boolean {
    return this.#next.kind === 'symbol' && this.#next.text === text;
  }

  #isKeyword(word: string): boolean {
    return this.#next.kind === 'word' && this.#next.text.toLowerCase() === word;
  }

  #any(depth: number): Query {
    return this.#joined('or', () => this.#joined('and', () => this.#one(depth)));
  }

  #joined(kind: 'and' | 'or', part: () => Query): Query {
    const parts: Query[] = [part()];
    while (this.#isKeyword(kind)) {
      this.#take();
      parts.push(part());
    }
    const [first, second, ...more] = parts as [Query, ...Query[]];
    return second === undefined ? first : { kind, of: [first, second, ...more] };
  }

  #one(depth: number): Query {
    const first = this.#next;
    if (depth >= MAX_QUERY_DEPTH)
      throw new Mistake(
        first,
        `This is nested too deeply: at most ${MAX_QUERY_DEPTH} parentheses and nots inside each other.`,
      );
    if (this.#isKeyword('not')) {
      this.#take();
      return { kind: 'not', of: this.#one(depth + 1) };
    }
    if (!this.#isSymbol('(')) return this.#test();
    this.#take();
    const inside = this.#any(depth + 1);
    if (!this.#isSymbol(')'))
      throw new Mistake(
        this.#next,
        `Write and, or, or the ) that belongs to the ( at column ${first.at + 1}.`,
      );
    this.#take();
    return inside;
  }

  #test(): Test {
    const token = this.#take();
    const fields = `Write not, ( or a field: ${orList(FIELD_NAMES)}.`;
    if (token.kind !== 'word' || KEYWORDS.has(token.text.toLowerCase()))
      throw new Mistake(token, token.kind === 'end' ? fields : `${shown(token)} is no field. ${fields}`);
    const field = TEXT_FIELDS.find((name) => name === token.text);
    if (field !== undefined)
      return { kind: 'text', field, ...this.#compared(field, TEXT_OPERATORS, anyText) };
    if (token.text.startsWith('tag.')) return this.#tag(token);
    if (token.text.startsWith('release.')) return this.#release(token);
    const name = token.text;
    switch (name) {
      case 'online':
      case 'offline':
        return { kind: 'presence', is: name };
      case 'channel':
        return { kind: name, ...this.#compared(name, SET_OPERATORS, channel) };
      case 'health':
        return { kind: name, ...this.#compared(name, SET_OPERATORS, oneOf(QUERY_HEALTH)) };
      case 'cores':
        return { kind: 'number', field: name, ...this.#compared(name, ORDER_OPERATORS, wholeNumber) };
      case 'memory':
        return { kind: 'number', field: name, ...this.#compared(name, ORDER_OPERATORS, memory) };
      case 'agent':
        return { kind: name, ...this.#compared(name, ORDER_OPERATORS, version) };
      case 'silent':
      case 'enrolled':
        return { kind: 'age', field: name, op: this.#operator(name, AGE_OPERATORS), ms: this.#value(age) };
      default:
        throw new Mistake(token, `${shown(token)} is no field. ${fields}`);
    }
  }

  /** `tag.site` or `tag."a key with spaces"`; alone it asks whether the tag is there. */
  #tag(token: Token): Test {
    const isQuoted = token.text === 'tag.' && this.#next.kind === 'quoted' && this.#next.at === token.at + 4;
    const key = isQuoted ? this.#take().text : token.text.slice('tag.'.length);
    if (key === '' || key.length > 50)
      throw new Mistake(token, 'A tag is written tag.<key> or tag."<key>", with 1 to 50 characters.');
    const { kind, text } = this.#next;
    const isAlone = kind === 'end' || text === ')' || (kind === 'word' && !this.#isKeyword('in'));
    if (isAlone) return { kind: 'tagged', key };
    return { kind: 'tag', key, ...this.#compared(`tag.${key}`, TEXT_OPERATORS, anyText) };
  }

  #release(token: Token): Test {
    const app = AppName.safeParse(token.text.slice('release.'.length));
    if (!app.success)
      throw new Mistake(token, `${shown(token)} names no app: write release.<app>, as in release.thermo.`);
    const name = `release.${app.data}`;
    const after = this.#tokens[this.#at + 1];
    const is = APP_PRESENCE.find((word) => after?.kind === 'word' && after.text === word);
    if (is === undefined)
      return { kind: 'release', app: app.data, ...this.#compared(name, ORDER_OPERATORS, version) };
    const op = this.#operator(`${name} ${is}`, ['=', '!='] as const);
    this.#take();
    return { kind: 'app', app: app.data, op, is };
  }

  #compared<Op extends string, V>(
    field: string,
    allowed: readonly Op[],
    read: Read<V>,
  ): { op: Op; values: Values<V> } {
    const op = this.#operator(field, allowed);
    return { op, values: op === 'in' ? this.#list(read) : [this.#value(read)] };
  }

  #operator<Op extends string>(field: string, allowed: readonly Op[]): Op {
    const token = this.#next;
    const found =
      token.kind === 'quoted' ? undefined : allowed.find((each) => each === token.text.toLowerCase());
    if (found === undefined)
      throw new Mistake(
        token,
        `${token.kind === 'end' ? 'An operator is missing' : `${shown(token)} does not go`} after ${field}. Write one of: ${allowed.join(' ')}`,
      );
    this.#take();
    return found;
  }

  #list<V>(read: Read<V>): Values<V> {
    if (!this.#isSymbol('(')) throw new Mistake(this.#next, 'Write the values in parentheses: in (a, b).');
    this.#take();
    const values: [V, ...V[]] = [this.#value(read)];
    while (this.#isSymbol(',')) {
      this.#take();
      values.push(this.#value(read));
    }
    if (!this.#isSymbol(')')) throw new Mistake(this.#next, 'Write , and another value, or ).');
    this.#take();
    return values;
  }

  #value<V>(read: Read<V>): V {
    const token = this.#next;
    if (token.kind === 'end' || token.kind === 'symbol')
      throw new Mistake(token, 'A value is missing; one with other characters than letters goes in quotes.');
    if (token.kind === 'word' && KEYWORDS.has(token.text.toLowerCase()))
      throw new Mistake(
        token,
        `A value is missing; to mean the word itself, write "${token.text}" in quotes.`,
      );
    this.#take();
    return read(token);
  }
}

/** Never throws. */
export function parseQuery(
  text: string,
): { readonly query: Query } | { readonly query: undefined; readonly mistake: QueryMistake } {
  try {
    const query = new Parser(text).whole();
    // What is stored is printed anew, and must be readable again.
    if (text.length > MAX_QUERY_LENGTH || printQuery(query).length > MAX_QUERY_LENGTH)
      throw new Mistake(
        { at: 0, length: text.length },
        `This is too long: ${MAX_QUERY_LENGTH} characters at most.`,
      );
    return { query };
  } catch (error) {
    if (error instanceof Mistake) return { query: undefined, mistake: error.mistake };
    throw error;
  }
}

export const describeMistake = ({ column, message }: QueryMistake): string => `Column ${column}: ${message}`;
