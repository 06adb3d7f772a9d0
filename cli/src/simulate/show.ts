/** A simulated fleet for people: who is in it, how far it is, and one line that stays true. */
import type { SimulateEvent, SimulateFigures } from '@wafer/protocol/simulate';
import type { Context } from '../context.ts';

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');

const lineOf = ({ devices, online, updating, failed, running }: SimulateFigures): string =>
  [
    `${online} of ${devices} online`,
    `${updating} updating`,
    `${failed} failed`,
    Object.keys(running).length === 0 ? 'nothing runs' : `running: ${listed(running)}`,
  ].join(' · ');

function textOf(event: SimulateEvent): { readonly text: string; readonly stays: boolean } {
  switch (event.event) {
    case 'fleet': {
      const { behaviours, architectures } = event;
      return {
        text: `behaviours: ${listed(behaviours)}\narchitectures: ${listed(architectures)}`,
        stays: true,
      };
    }
    case 'enrolled':
      return { text: `enrolled ${event.done} of ${event.of}`, stays: event.done === event.of };
    case 'connected':
      return { text: `connected ${event.done} of ${event.of}`, stays: event.done === event.of };
    case 'ready': {
      // A few are lost in what the process itself needs.
      const each = event.devices < 100 ? '' : `, ${Math.round(event.bytesPerDevice / 1024)} KB each`;
      const said = `${event.devices} devices connected in ${event.seconds.toFixed(1)} s${each}`;
      return { text: `${said}. Ctrl-C ends them.`, stays: true };
    }
    case 'figures':
      return { text: lineOf(event.figures), stays: false };
    case 'warning':
      return { text: `warning: ${event.text}`, stays: true };
  }
}

/** On a terminal the line that is drawn over is ended before anything else is said. */
export const endLine = ({ stderr }: Pick<Context, 'stderr'>): void => {
  if (stderr.isTTY === true) stderr.write('\n');
};

/** On a terminal what does not stay is drawn over; elsewhere it is told when it has changed, but progress is left out. */
export function shower({ stderr }: Pick<Context, 'stderr'>): (event: SimulateEvent) => void {
  let drawn = '';
  return (event) => {
    const { text, stays } = textOf(event);
    if (stderr.isTTY === true) {
      stderr.write(`\r\u001b[K${text}${stays ? '\n' : ''}`);
      return;
    }
    const isProgress = !stays && event.event !== 'figures';
    if (isProgress || text === drawn) return;
    drawn = text;
    stderr.write(`${text}\n`);
  };
}
