/** A query as it is typed, judged before anything is sent. */
import { describeMistake, parseQuery, WaferError } from '@wafer/protocol';

const INDENT = '  ';

/** Throws group.query-invalid, with the place marked below the text. */
export function mustBeQuery(typed: string): string {
  const text = typed.trim();
  const parsed = parseQuery(text);
  if (parsed.query !== undefined) return text;
  const { column, length } = parsed.mistake;
  const line = text.replaceAll(/\s/g, ' ');
  const mark = ' '.repeat(column - 1) + '^'.repeat(Math.max(1, length));
  throw new WaferError(
    'group.query-invalid',
    `${describeMistake(parsed.mistake)}\n${INDENT}${line}\n${INDENT}${mark}`,
  );
}
