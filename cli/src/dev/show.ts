/**
 * Events as lines for a terminal: time, what it is, text; what has several lines goes on below its
 * text. All that a guest said is shown as it is, but for what would move a cursor.
 */
import type { Fault, SwapFigures } from '@wafer/protocol';
import { printable } from '../table.ts';
import { paint, type Tone } from '../terminal.ts';
import type { Told } from './events.ts';
import { advice } from './grants.ts';

const LABEL_WIDTH = 'watching '.length;
const TIME_WIDTH = 'HH:MM:SS '.length;

export const HELP = [
  'type a topic and a payload to send the guest a message:  commands/read {"a":1}',
  'r  restart it, without its state    q or Ctrl-C  quit    h  this',
].join('\n');

/** One event as text that ends with a newline; `at` is what the clock says. */
export function show(told: Told, at: Date, isColoured: boolean): string {
  const { label, tone, text } = wordsOf(told);
  const [first = '', ...rest] = text.split('\n').map(printable);
  const inTone = (as: Tone, words: string): string => (isColoured ? paint(as, words) : words);
  const time = inTone('quiet', at.toTimeString().slice(0, TIME_WIDTH - 1));
  const indent = ' '.repeat(TIME_WIDTH + LABEL_WIDTH);
  const lines = [`${time} ${inTone(tone, label.padEnd(LABEL_WIDTH))}${first}`];
  return [...lines, ...rest.map((line) => `${indent}${line}`), ''].join('\n');
}

function wordsOf(told: Told): { label: string; tone: Tone; text: string } {
  switch (told.event) {
    case 'ready':
      return { label: 'agent', tone: 'quiet', text: 'the local agent is ready' };
    case 'watching':
      return { label: 'watching', tone: 'quiet', text: `${told.file}; h and Enter for help` };
    case 'help':
      return { label: 'help', tone: 'quiet', text: HELP };
    case 'swapped':
      return { label: 'swapped', tone: 'good', text: describeSwap(told) };
    case 'build-failed':
      return { label: 'build', tone: 'bad', text: told.message };
    case 'build-warned':
      return { label: 'build', tone: 'warn', text: told.message };
    case 'refused': {
      const reasons = told.refused.map(({ reason }) => reason).join('\n');
      return {
        label: 'refused',
        tone: 'bad',
        text: `${reasons}\nwafer inspect gives a wafer.yaml to start from`,
      };
    }
    case 'failed': {
      const goes = told.serving ? 'what ran before goes on' : 'nothing runs';
      return { label: 'failed', tone: 'bad', text: `${describeFault(told.fault)}\n${goes}` };
    }
    case 'fault':
      return { label: 'fault', tone: 'bad', text: describeFault(told.fault) };
    case 'log':
      return { label: told.level, tone: TONE_OF_LEVEL[told.level], text: told.text };
    case 'dropped':
      return {
        label: 'log',
        tone: 'warn',
        text: `${told.lines} lines were dropped, over limits.logBytesPerMinute`,
      };
    case 'publish':
      return {
        label: 'publish',
        tone: 'message',
        text: `${told.topic} ${told.text ?? `(base64) ${told.base64 ?? ''}`}`,
      };
    case 'undelivered':
      return { label: 'not sent', tone: 'bad', text: describeFault(told.fault) };
    case 'delivered':
      return { label: 'sent', tone: 'quiet', text: 'the handler returned' };
  }
}

const TONE_OF_LEVEL = {
  trace: 'quiet',
  debug: 'quiet',
  info: 'plain',
  warn: 'warn',
  error: 'bad',
  critical: 'bad',
} as const satisfies Record<string, Tone>;

function describeFault(fault: Fault): string {
  const grant = advice(fault);
  const help = grant === undefined ? '' : `\nin wafer.yaml it would take ${grant}`;
  return `${fault.kind}: ${fault.message}${help}`;
}

function describeSwap({ figures, buildMs, totalMs }: Extract<Told, { event: 'swapped' }>): string {
  const seconds = (ms: number): string => (ms / 1000).toFixed(ms < 100 ? 2 : 1);
  const stage = (name: keyof SwapFigures & `${string}Ms`): string => seconds(figures[name] ?? 0);
  const stages = [
    `build ${seconds(buildMs)}`,
    `prepare ${stage('prepareMs')}`,
    `start ${stage('startMs')}`,
    `probe ${stage('probeMs')}`,
    `gap ${(figures.gapMs ?? 0).toFixed(1)} ms`,
    `${figures.lostCalls} lost calls`,
  ];
  const verb =
    figures.cause === 'release' ? 'swapped' : figures.cause === 'restart' ? 'restarted' : 'started';
  return `${verb} in ${seconds(totalMs)} s (${stages.join(', ')})`;
}
