/** How the instances of a device's apps last changed, and what that cost. Pure. */
import type { DeviceDetail, SwapFigures } from '@wafer/protocol';
import { table } from '../table.ts';

const milliseconds = (ms: number | undefined): string =>
  ms === undefined ? '–' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;

const row = (app: string, what: string, swap: SwapFigures): string[] => [
  app,
  what,
  swap.cause,
  ...[swap.prepareMs, swap.startMs, swap.probeMs, swap.gapMs, swap.drainMs].map(milliseconds),
  String(swap.lostCalls),
];

/**
 * One line for the last execution of each app, and one for the last change of what serves where that
 * was no execution's: a start after a boot, or a restart. Empty where nothing is known.
 */
export function describeChanges({ apps, latest }: Pick<DeviceDetail, 'apps' | 'latest'>): string {
  const executions = apps.flatMap(({ app, execution }) =>
    execution?.swap == null ? [] : [row(app, `${execution.version} ${execution.state}`, execution.swap)],
  );
  const others = (latest?.apps ?? []).flatMap(({ app, version, lastSwap }) =>
    lastSwap === undefined || !['start', 'restart'].includes(lastSwap.figures.cause)
      ? []
      : [row(app, `${version} since ${lastSwap.at}`, lastSwap.figures)],
  );
  const loops = (latest?.apps ?? []).flatMap(({ app, crashLoop }) =>
    crashLoop === undefined
      ? []
      : [`${app} failed ${crashLoop.failures} times in a row and is tried again at ${crashLoop.nextTryAt}`],
  );
  const head = ['app', 'change', 'cause', 'prepare', 'start', 'probe', 'gap', 'drain', 'lost calls'];
  return [table(head, [...executions, ...others], ''), ...loops].filter((part) => part !== '').join('\n');
}
