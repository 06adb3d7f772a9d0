/** What the health report says of apps: those that the runtime has, and those that do not start. */
import type { AppHealth, AppName } from '@wafer/protocol';
import type { Board } from './board.ts';
import { CRASH_LOOP_AFTER } from './failing.ts';

export function appsHealth(board: Pick<Board, 'runtime' | 'journal' | 'senses'>): AppHealth[] {
  const there = board.runtime.health();
  const names = new Set(there.map(({ app }) => app));
  const missing = (Object.keys(board.journal.state.apps) as AppName[]).flatMap((app) => {
    const { current } = board.journal.record(app);
    const { keepFailures, keepAfter } = board.senses.of(app);
    if (names.has(app) || current === null || keepFailures === 0) return [];
    const nextTryAt = new Date(keepAfter).toISOString();
    const health: AppHealth = {
      app,
      version: current.order.version,
      state: 'failed',
      calls: 0,
      faults: keepFailures,
      memoryBytes: 0,
      ...(keepFailures < CRASH_LOOP_AFTER ? {} : { crashLoop: { failures: keepFailures, nextTryAt } }),
    };
    return [health];
  });
  return [...there, ...missing];
}
