/**
 * The lives of a rollout, of a wave and of an execution as diagrams, drawn from the tables that the server
 * obeys (rollout-states.ts). docs/rollouts.md holds them between markers; write.ts puts them there, and a
 * test fails when they lag behind. Pure.
 */
import {
  EXECUTION_STAGES,
  EXECUTION_STATES,
  EXECUTION_TRANSITIONS,
  ROLLOUT_TRANSITIONS,
  TERMINAL_STATES,
  WAVE_TRANSITIONS,
  type ExecutionState,
} from '@wafer/protocol';

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly label?: string;
}

/** Several events between the same two states are one arrow. */
function joined(arrows: readonly Arrow[]): Arrow[] {
  const labels = new Map<string, { from: string; to: string; labels: string[] }>();
  for (const { from, to, label } of arrows) {
    const key = `${from} ${to}`;
    const known = labels.get(key) ?? { from, to, labels: [] };
    if (label !== undefined) known.labels.push(label);
    labels.set(key, known);
  }
  return [...labels.values()].map(({ from, to, labels: all }) =>
    all.length === 0 ? { from, to } : { from, to, label: all.join(', ') },
  );
}

function diagramOf(
  first: string,
  arrows: readonly Arrow[],
  ends: readonly string[],
  more: readonly string[] = [],
): string {
  const lines = [
    { from: '[*]', to: first },
    ...joined(arrows),
    ...ends.map((from) => ({ from, to: '[*]' })),
  ].map(({ from, to, label }: Arrow) => `  ${from} --> ${to}${label === undefined ? '' : `: ${label}`}`);
  return ['```mermaid', 'stateDiagram-v2', ...more, ...lines, '```'].join('\n');
}

type Table = Readonly<Record<string, Readonly<Partial<Record<string, string>>>>>;

/** Of a table state → event → next state; states that nothing follows are ends. */
function diagramOfTable(first: string, table: Table): string {
  const arrows = Object.entries(table).flatMap(([from, events]) =>
    Object.entries(events).flatMap(([label, to]) => (to === undefined ? [] : [{ from, to, label }])),
  );
  const ends = Object.keys(table).filter((state) => Object.keys(table[state] ?? {}).length === 0);
  return diagramOf(first, arrows, ends);
}

/** Drawn as one box, since all of them may follow from the same states. */
const ENDED = 'ended';
const ENDS = EXECUTION_STATES.filter((state) => EXECUTION_TRANSITIONS[state].length === 0);

/** What a device says next has no names but the states themselves; its stages are a loop. */
function executions(): string {
  const arrows = EXECUTION_STATES.flatMap((from): Arrow[] => {
    const next: readonly ExecutionState[] = EXECUTION_TRANSITIONS[from];
    const isAnyEnd = ENDS.every((end) => next.includes(end));
    const single = isAnyEnd ? next.filter((to) => !ENDS.includes(to)) : next;
    return [
      ...single.flatMap((to): Arrow[] => {
        if (from !== to) return [{ from, to }];
        return from === 'IN_PROGRESS' ? [{ from, to, label: EXECUTION_STAGES.join(', ') }] : [];
      }),
      ...(isAnyEnd ? [{ from, to: ENDED }] : []),
    ];
  });
  const box = [`  state ${ENDED} {`, ...ENDS.map((end) => `    ${end}`), '  }'];
  const guesses = EXECUTION_STATES.filter((state) => TERMINAL_STATES.has(state) && !ENDS.includes(state));
  return diagramOf('QUEUED', arrows, [...guesses, ENDED], box);
}

/** Name of the marker → Mermaid in a code block. */
export const DIAGRAMS: Readonly<Record<string, string>> = {
  rollout: diagramOfTable('DRAFT', ROLLOUT_TRANSITIONS),
  wave: diagramOfTable('WAITING', WAVE_TRANSITIONS),
  execution: executions(),
};

/** The page with the diagrams of now between its markers. Throws where a pair of markers is missing. */
export function withDiagrams(page: string): string {
  return Object.entries(DIAGRAMS).reduce((text, [name, diagram]) => {
    const [begin, end] = [`<!-- diagram: ${name} -->`, `<!-- end of diagram: ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from === -1 || to < from) throw new Error(`the page has no place for the diagram "${name}"`);
    return `${text.slice(0, from + begin.length)}\n\n${diagram}\n\n${text.slice(to)}`;
  }, page);
}
