/**
 * A rollout as it is drawn while it is watched: head, one line a wave, one more for the wave that is under
 * way. Pure; `nowMs` is in ms since 1970. Lines are stretches of words with their tone, so that they can be
 * cut to the width of a terminal before they are painted.
 */
import type { RolloutView, WaveCounts, WaveView } from '@wafer/protocol';
import { printable } from '../table.ts';
import type { Paint, Tone } from '../terminal.ts';
import { cellsOf } from './bar.ts';
import { countsOf, targetsOf } from './words.ts';

type Line = readonly (readonly [tone: Tone, words: string])[];

type Kind = 'succeeded' | 'failed' | 'started' | 'withdrawn' | 'waiting';

const GLYPHS = {
  succeeded: { glyph: '█', tone: 'good', word: 'succeeded' },
  failed: { glyph: '×', tone: 'bad', word: 'failed' },
  started: { glyph: '▒', tone: 'message', word: 'under way' },
  withdrawn: { glyph: '-', tone: 'quiet', word: 'withdrawn' },
  waiting: { glyph: '·', tone: 'quiet', word: 'waiting' },
} as const satisfies Record<Kind, { glyph: string; tone: Tone; word: string }>;

const KINDS = Object.keys(GLYPHS) as Kind[];

const TONE_OF_ROLLOUT = {
  DRAFT: 'plain',
  AWAITING_APPROVAL: 'warn',
  SCHEDULED: 'plain',
  RUNNING: 'message',
  PAUSED: 'warn',
  COMPLETED: 'good',
  ABORTED: 'bad',
  ROLLING_BACK: 'bad',
  ROLLED_BACK: 'bad',
} as const satisfies Record<RolloutView['state'], Tone>;

const TONE_OF_WAVE = {
  WAITING: 'quiet',
  RUNNING: 'message',
  SOAKING: 'message',
  AWAITING_APPROVAL: 'warn',
  PASSED: 'good',
  TRIPPED: 'bad',
  CANCELED: 'quiet',
} as const satisfies Record<WaveView['state'], Tone>;

const NAME_WIDTH = 24;
/** Lines beside those of waves. */
const FRAME = 6;

/** `0:07`, `12:30`, `1:02:03`. */
export function clockFace(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => (index === 0 ? `${part}` : String(part).padStart(2, '0'))).join(':');
}

const bar = (counts: WaveCounts, width: number): Line =>
  cellsOf(
    KINDS.map((of) => ({ of, count: counts[of] })),
    width,
  ).map(({ of, count }) => [GLYPHS[of].tone, GLYPHS[of].glyph.repeat(count)]);

/** Failures that the gate lets pass, in a wave of so many. */
const mayFail = ({ gate, counts }: WaveView): number =>
  Math.floor(((counts.devices - counts.withdrawn) * (100 - gate.successPercent)) / 100);

/** What the gate waits for, or why it tripped. */
function gateLine(wave: WaveView, nowMs: number): string {
  const { state, since, reason, gate, counts } = wave;
  const failed = `${counts.failed} failed, at most ${mayFail(wave)} may`;
  const causes = counts.failed === 0 ? '' : ` (${countsOf(counts.causes)})`;
  const start = `${counts.started} under way, ${failed}${causes}`;
  switch (state) {
    case 'WAITING':
    case 'PASSED':
    case 'CANCELED':
      return '';
    case 'RUNNING':
      return gate.soakMinutes === 0 ? start : `${start}; then a soak of ${gate.soakMinutes} min`;
    case 'SOAKING': {
      const left = Date.parse(since ?? '') + gate.soakMinutes * 60_000 - nowMs;
      return `soaks for ${clockFace(left)} more; ${failed}${causes}`;
    }
    case 'AWAITING_APPROVAL':
      return `waits for a person: wafer rollout approve; ${failed}${causes}`;
    case 'TRIPPED':
      return `gate tripped: ${reason ?? start}${reason === null ? '' : causes}`;
  }
}

function waveLines(wave: WaveView, index: number, look: Look): Line[] {
  const { name, state, counts } = wave;
  const title = `${String(index + 1).padStart(3)} ${printable(name).slice(0, NAME_WIDTH).padEnd(look.nameWidth)} `;
  const line: Line = [
    ['plain', title],
    ...bar(counts, look.barWidth),
    ['plain', ` ${`${counts.succeeded}/${counts.devices}`.padStart(look.countWidth)} `],
    [TONE_OF_WAVE[state], state],
  ];
  const gate = gateLine(wave, look.nowMs);
  return gate === '' ? [line] : [line, [['plain', `    ${printable(gate)}`]]];
}

interface Look {
  readonly nowMs: number;
  readonly nameWidth: number;
  readonly barWidth: number;
  readonly countWidth: number;
}

export interface Frame {
  readonly nowMs: number;
  /** When the watching began. */
  readonly sinceMs: number;
  readonly columns: number;
  readonly rows: number;
}

/** The waves around the one that is under way, as many as there is room for. */
function shownWaves({ waves }: RolloutView, room: number): { from: number; to: number } {
  if (waves.length <= room) return { from: 0, to: waves.length };
  const current = waves.findIndex(({ state }) => state !== 'PASSED');
  const middle = (current === -1 ? waves.length : current) - Math.floor(room / 2);
  const from = Math.max(0, Math.min(middle, waves.length - room));
  return { from, to: from + room };
}

/** Lines for a terminal of so many columns and rows. */
export function picture(rollout: RolloutView, frame: Frame, paint: Paint): string[] {
  const { number, name, channel, state, reason, waves } = rollout;
  const nameWidth = Math.min(NAME_WIDTH, Math.max(...waves.map((wave) => wave.name.length)));
  const countWidth = Math.max(...waves.map(({ counts }) => `${counts.devices}`.length)) * 2 + 1;
  const barWidth = Math.max(10, Math.min(40, frame.columns - nameWidth - countWidth - 26));
  const { from, to } = shownWaves(rollout, Math.max(3, frame.rows - FRAME));
  const look: Look = { nowMs: frame.nowMs, nameWidth, barWidth, countWidth };
  const lines: Line[] = [
    [
      ['plain', `rollout ${number}  ${printable(name)}  `],
      [TONE_OF_ROLLOUT[state], state],
      ['quiet', `  ${clockFace(frame.nowMs - frame.sinceMs)}`],
    ],
    [['plain', `${channel}: ${targetsOf(rollout.targets)}`]],
    ...(reason === null ? [] : [[[TONE_OF_ROLLOUT[state], printable(reason)]] as const]),
    ...waves.slice(from, to).flatMap((wave, index) => waveLines(wave, from + index, look)),
    ...(to - from === waves.length ? [] : [[['quiet', `    waves: ${waves.length}`]] as const]),
    KINDS.flatMap((kind) => [
      [GLYPHS[kind].tone, GLYPHS[kind].glyph] as const,
      ['quiet', ` ${GLYPHS[kind].word}  `] as const,
    ]),
  ];
  return lines.map((line) => cut(line, frame.columns - 1, paint));
}

/** A line that were longer than the terminal would be two, and the next picture would not cover it. */
function cut(line: Line, width: number, paint: Paint): string {
  let left = width;
  let text = '';
  for (const [tone, words] of line) {
    text += paint(tone, words.slice(0, Math.max(0, left)));
    left -= words.length;
  }
  return text;
}

/** The same in one line, where nothing can be drawn over. */
export function changeLine(rollout: RolloutView): string {
  const { name, state, reason, waves } = rollout;
  const current = waves.findIndex((wave) => wave.state !== 'PASSED');
  const at = current === -1 ? waves.length - 1 : current;
  const wave = waves[at];
  const head = `${name}: ${state}`;
  if (wave === undefined) return printable(head);
  const { counts } = wave;
  const causes = counts.failed === 0 ? '' : ` (${countsOf(counts.causes)})`;
  const numbers = `${counts.succeeded} of ${counts.devices} succeeded, ${counts.failed} failed${causes}, ${counts.started} under way, ${counts.waiting} waiting`;
  const where = `wave ${at + 1} of ${waves.length} (${wave.name}) ${wave.state}: ${numbers}`;
  return printable(reason === null ? `${head}, ${where}` : `${head}: ${reason} ${where}`);
}
