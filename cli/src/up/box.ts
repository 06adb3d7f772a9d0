/** The single box that `wafer up` prints: what a person needs next, and nothing else. */

export interface BoxRow {
  readonly label: string;
  /** Beside the label when it is one line, below it when there are more. */
  readonly value: string | readonly string[];
}

/** A frame as wide as its widest line; values stay whole so that they can be copied. */
export function box(title: string, rows: readonly BoxRow[]): string {
  const beside = rows.filter(({ value }) => typeof value === 'string');
  const labelWidth = Math.max(...beside.map(({ label }) => label.length));
  const lines = rows.flatMap(({ label, value }) =>
    typeof value === 'string'
      ? [`${label.padEnd(labelWidth)}  ${value}`]
      : [label, ...value.map((line) => `  ${line}`)],
  );
  const width = Math.max(title.length + 2, ...lines.map((line) => line.length));
  return [
    `╭─ ${title} ${'─'.repeat(width - title.length - 1)}╮`,
    ...lines.map((line) => `│ ${line.padEnd(width)} │`),
    `╰${'─'.repeat(width + 2)}╯`,
  ].join('\n');
}
