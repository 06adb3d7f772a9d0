/** Where a query is wrong, as three parts of its text. */
import type { QueryMistake } from '@wafer/protocol/query/parse';

export interface Marked {
  readonly before: string;
  /** Empty where something is missing. */
  readonly wrong: string;
  readonly after: string;
}

export const marked = (text: string, { column, length }: QueryMistake): Marked => ({
  before: text.slice(0, column - 1),
  wrong: text.slice(column - 1, column - 1 + length),
  after: text.slice(column - 1 + length),
});
