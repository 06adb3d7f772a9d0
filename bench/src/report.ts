/**
 * How a benchmark answers: a table for people and, last, one line of JSON for scripts. Every figure
 * stands beside its peers and its limit, measured in the same run in turns; what could not be measured
 * is named with the reason.
 */

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  /** The same work done another way, in the same unit. */
  readonly peers?: Readonly<Record<string, number>>;
  /** What nothing could beat, in the same unit. */
  readonly limit?: number;
  readonly goal: number;
  readonly better: 'lower' | 'higher';
}

export interface Result {
  readonly bench: string;
  readonly workload: string;
  readonly figures: readonly Figure[];
  /** Peer → why it is not here. */
  readonly missing: Readonly<Record<string, string>>;
  /** What explains the figures, a line each. */
  readonly notes?: readonly string[];
}

/** The middle of the values; the upper one of two. NaN when there are none. */
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** By nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

const isMet = ({ ours, goal, better }: Figure): boolean => (better === 'lower' ? ours <= goal : ours >= goal);

const short = (value: number | undefined): string =>
  value === undefined ? '' : String(Number(value.toPrecision(3)));

const columns = (figure: Figure): string[] => [
  figure.name,
  `${short(figure.ours)} ${figure.unit}`,
  Object.entries(figure.peers ?? {})
    .map(([peer, value]) => `${peer} ${short(value)}`)
    .join(', '),
  short(figure.limit),
  `${figure.better === 'lower' ? '≤' : '≥'} ${short(figure.goal)}`,
  isMet(figure) ? 'yes' : 'NO',
];

/** Prints both; answers whether every goal was met. */
export function report(result: Result, print: (line: string) => void): boolean {
  const rows = [['figure', 'ours', 'peers', 'limit', 'goal', 'met'], ...result.figures.map(columns)];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  print(`${result.bench}: ${result.workload}`);
  for (const row of rows)
    print(
      `  ${row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()}`,
    );
  for (const [peer, why] of Object.entries(result.missing)) print(`  missing: ${peer} (${why})`);
  for (const note of result.notes ?? []) print(`  ${note}`);
  const figures = result.figures.map((figure) => ({ ...figure, met: isMet(figure) }));
  print(JSON.stringify({ ...result, figures }));
  return figures.every(({ met }) => met);
}
