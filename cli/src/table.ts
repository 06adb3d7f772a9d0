/** Aligned columns for people. Cells are plain text; control characters in them are shown, not obeyed. */

const COLUMN_GAP = '  ';

/** Names and messages come from devices and guests: none may move the cursor of a terminal. */
export const printable = (cell: string): string =>
  cell.replace(/[\p{Cc}\p{Cf}]/gu, (char) => `\\u${char.codePointAt(0)?.toString(16).padStart(4, '0')}`);

/** Lines of `rows` under `head`; a single line that says so when there are none. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], none: string): string {
  if (rows.length === 0) return none;
  const cells = [head.map((title) => title.toUpperCase()), ...rows.map((row) => row.map(printable))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(COLUMN_GAP)
        .trimEnd(),
    )
    .join('\n');
}

/** `name  value` lines, the names aligned. */
export function fields(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}${COLUMN_GAP}${printable(value)}`).join('\n');
}
