/** The result table, architecture × journey, and the figures of its last line. Pure. */
import type { HardwareRun, JourneyOutcome, JourneyResult, RigResult } from '@wafer/protocol';

interface Tally {
  passed: number;
  failed: number;
  skipped?: number;
}

function tally(journeys: readonly JourneyResult[]): Tally {
  const count = (wanted: JourneyOutcome): number =>
    journeys.filter(({ outcome }) => outcome === wanted).length;
  const skipped = count('skipped');
  return { passed: count('passed'), failed: count('failed'), ...(skipped > 0 ? { skipped } : {}) };
}

/** Rig → its figures, as the last line of `--json` says them. */
export const tallies = (run: HardwareRun): Record<string, Tally> =>
  Object.fromEntries(run.rigs.map(({ rig, journeys }) => [rig, tally(journeys)]));

export const sum = (rigs: readonly RigResult[]): Required<Tally> => {
  const all = tally(rigs.flatMap(({ journeys }) => journeys));
  return { skipped: 0, ...all };
};

/** An emulated rig's time says nothing. */
const cell = ({ kind }: RigResult, { outcome, ms }: JourneyResult): string =>
  outcome === 'passed' && kind !== 'emulated' && ms !== undefined
    ? `passed ${(ms / 1000).toFixed(1)} s`
    : outcome;

export function table(run: HardwareRun): string {
  const names = run.rigs[0]?.journeys.map(({ journey }) => journey) ?? [];
  const head = ['', ...run.rigs.map(({ rig, arch }) => (rig === arch ? rig : `${rig} (${arch})`))];
  const rows = names.map((name, index) => [
    name,
    ...run.rigs.map((rig) => (rig.journeys[index] === undefined ? '–' : cell(rig, rig.journeys[index]))),
  ]);
  const kinds = ['', ...run.rigs.map(({ kind, status }) => (status === 'skipped' ? 'SKIPPED' : kind))];
  const all = [head, kinds, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  const skipped = run.rigs.filter(({ status }) => status === 'skipped');
  const notes = skipped.map(({ rig, why }) => `SKIPPED ${rig}: ${why}`);
  return [...lines, '', ...notes].join('\n');
}
