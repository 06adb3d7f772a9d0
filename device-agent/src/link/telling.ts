/** What the agent says by itself: hello at every connect, health, what it runs, guests' log lines. */
import type { Hello } from '@wafer/protocol';
import type { HealthSource } from '../health.ts';
import type { Inventory } from '../inventory.ts';
import { reason, type Log } from '../log.ts';
import type { Board } from '../state/board.ts';
import { reportedApps } from '../state/reported.ts';
import type { LogBatches } from './guests.ts';
import type { Session } from './mqtt.ts';
import type { Reporter } from './reporter.ts';

export interface TellingOptions {
  readonly session: () => Session | undefined;
  readonly board: Board;
  readonly reporter: Reporter;
  readonly health: HealthSource;
  readonly logs: LogBatches;
  readonly inventory: Inventory;
  readonly log: Log;
}

export interface Telling {
  hello(): void;
  health(): void;
  /** Says what the device runs, if that changed, and soon how it is. */
  apps(): void;
  /** Once a second. */
  logLines(): void;
}

/** Changes of this long are told by one health report. */
const HEALTH_MS = 1000;

export function createTelling(options: TellingOptions): Telling {
  const { session, board, reporter, logs, log } = options;
  let soon: NodeJS.Timeout | undefined;
  const telling: Telling = {
    hello() {
      const desiredVersion = board.journal.state.desired?.signed.version ?? 0;
      const hello: Hello = { ...options.inventory, desiredVersion };
      session()?.publish('hello', JSON.stringify(hello), 1);
    },
    health() {
      clearTimeout(soon);
      soon = undefined;
      if (session()?.connected !== true) return;
      options.health.report().then(
        (report) => session()?.publish('health', JSON.stringify(report)),
        (error: unknown) => log('warn', 'no health report', { reason: reason(error) }),
      );
    },
    apps() {
      if (reporter.apps(reportedApps(board))) soon ??= setTimeout(() => telling.health(), HEALTH_MS).unref();
    },
    logLines() {
      logs.flush((lines) => session()?.publish('log', JSON.stringify(lines)) ?? false);
    },
  };
  return telling;
}
