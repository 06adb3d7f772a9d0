/** A run of the hardware tests as a table: journeys down, rigs across. Pure. */
import type { HardwareRun, JourneyOutcome, RigKind, RigResult } from '@wafer/protocol/hardware';
import type { Look } from '../elements/tone.ts';

export interface Cell {
  readonly outcome: JourneyOutcome;
  readonly detail: string | undefined;
  /** Undefined of what was skipped, and on an emulated rig: such a time says nothing of the board. */
  readonly ms: number | undefined;
}

export interface MatrixRow {
  readonly journey: string;
  /** One for each rig, in their order. */
  readonly cells: readonly Cell[];
}

export const OUTCOME_LOOK = {
  passed: { tone: 'ok', icon: 'ok', word: 'passed' },
  failed: { tone: 'bad', icon: 'bad', word: 'failed' },
  skipped: { tone: 'idle', icon: 'off', word: 'skipped' },
} as const satisfies Record<JourneyOutcome, Look>;

export const KIND_WORDS: Readonly<Record<RigKind, string>> = {
  process: 'process',
  emulated: 'emulated',
  board: 'board',
};

const SKIPPED: Cell = { outcome: 'skipped', detail: undefined, ms: undefined };

/** What a rig that was skipped says of itself counts, whatever stands in its journeys. */
function cellOf(rig: RigResult, journey: string): Cell {
  const result = rig.journeys.find((each) => each.journey === journey);
  if (rig.status === 'skipped' || result === undefined) return SKIPPED;
  const { outcome, detail, ms } = result;
  const hasTime = outcome !== 'skipped' && rig.kind !== 'emulated';
  return { outcome, detail, ms: hasTime ? ms : undefined };
}

/** Journeys in the order in which rigs name them first. */
export function matrixOf({ rigs }: Pick<HardwareRun, 'rigs'>): MatrixRow[] {
  const journeys = new Set(rigs.flatMap((rig) => rig.journeys.map(({ journey }) => journey)));
  return [...journeys].map((journey) => ({ journey, cells: rigs.map((rig) => cellOf(rig, journey)) }));
}

export interface Remark {
  readonly outcome: 'failed' | 'skipped';
  readonly where: string;
  readonly why: string;
}

/** What did not pass and why, failures first; a skipped rig is one line. */
export function remarksOf({ rigs }: Pick<HardwareRun, 'rigs'>): Remark[] {
  const remarks = rigs.flatMap((rig): Remark[] => {
    const { rig: name, status, why = 'no reason was given' } = rig;
    if (status === 'skipped') return [{ outcome: 'skipped', where: name, why }];
    return rig.journeys.flatMap(({ journey, outcome, detail }): Remark[] =>
      outcome === 'passed'
        ? []
        : [{ outcome, where: `${name}, ${journey}`, why: detail ?? 'no reason was given' }],
    );
  });
  return remarks.toSorted((a, b) => Number(a.outcome === 'skipped') - Number(b.outcome === 'skipped'));
}
