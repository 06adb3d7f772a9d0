/** The text of a query → tokens, each with its place, so that a mistake can be pointed at. */

export interface Token {
  readonly kind: 'symbol' | 'word' | 'quoted' | 'end';
  /** Of a quoted one what is between the quotes, with `\"` and `\\` read. */
  readonly text: string;
  /** Index in the text. */
  readonly at: number;
  readonly length: number;
}

/** What is wrong with a query, for people. */
export interface QueryMistake {
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** Of what is wrong; 0 where something is missing. */
  readonly length: number;
  readonly message: string;
}

export class Mistake extends Error {
  readonly mistake: QueryMistake;

  constructor({ at, length }: Pick<Token, 'at' | 'length'>, message: string) {
    super(message);
    this.mistake = { column: at + 1, length, message };
  }
}

const TOKEN =
  /(?<symbol><=|>=|!=|[=<>~(),])|"(?<quoted>(?:[^"\\]|\\["\\])*)"|(?<word>[^\s=<>!~(),"\\]+)|(?<space>\s+)/uy;

function unreadable(text: string, at: number): Mistake {
  if (text[at] === '"') {
    const rest = { at, length: text.length - at };
    return new Mistake(
      rest,
      String.raw`This quote is not closed. Inside, write \" for a quote and \\ for \.`,
    );
  }
  return new Mistake({ at, length: 1 }, `${JSON.stringify(text[at])} means nothing here: put it in quotes.`);
}

/** The last one is `end`. Throws a Mistake. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.length;) {
    const { symbol, quoted, word } = TOKEN.exec(text)?.groups ?? {};
    const length = TOKEN.lastIndex - at;
    if (length <= 0) throw unreadable(text, at);
    if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol, at, length });
    if (word !== undefined) tokens.push({ kind: 'word', text: word, at, length });
    if (quoted !== undefined)
      tokens.push({ kind: 'quoted', text: quoted.replaceAll(/\\(["\\])/g, '$1'), at, length });
    at = TOKEN.lastIndex;
  }
  return [...tokens, { kind: 'end', text: '', at: text.length, length: 0 }];
}
