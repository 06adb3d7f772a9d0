/** What the device says that it runs. */
import type { AppName, AppState, ReportEvent } from '@wafer/protocol';
import type { Board } from './board.ts';

type Reported = Extract<ReportEvent, { kind: 'apps' }>['apps'];

/** One entry for each app that is installed, in the order of their names. */
export function reportedApps(board: Pick<Board, 'journal' | 'senses' | 'floors'>): Reported {
  const names = (Object.keys(board.journal.state.apps) as AppName[]).toSorted();
  return names.flatMap((app) => {
    const { current } = board.journal.record(app);
    if (current === null) return [];
    const { version, target } = current.order;
    return [{ app, version, digest: target.sha256, state: stateOf(board, app) }];
  });
}

function stateOf(
  { journal, senses, floors }: Pick<Board, 'journal' | 'senses' | 'floors'>,
  app: AppName,
): AppState {
  const { current, soak } = journal.record(app);
  const notes = senses.of(app);
  if (current === null || current.order.counter < floors.of(app)) return 'stopped';
  if (notes.serving === current.order.execution) return soak === null ? 'running' : 'soaking';
  return notes.keepFailures > 0 ? 'failed' : 'starting';
}
