/**
 * What the agent says to the service manager that started it (sd_notify(3)): that it is up, and, for as long
 * as that is so, that it is well. Systemd starts an agent again that has not said so for WatchdogSec.
 *
 * Well means more than that a timer runs: the beat is a part of the agent's own look at what there is to do,
 * the last plan was made lately, and no isolate is in a call that should have been ended. An agent whose
 * network is gone is well.
 *
 * Node has no datagram sockets of the Unix kind, so systemd's own `systemd-notify` says it: a process of a
 * few milliseconds every half minute, and nothing native to build for each architecture.
 */
import { execFile } from 'node:child_process';

/** What is asked before each beat. */
export interface Pulse {
  /** Since the last plan was made, ms. */
  readonly sincePlanMs: number;
  /** By how much a guest's call has outlasted its deadline, ms. */
  readonly overdueMs: number;
}

export interface Watchdog {
  /** It is up: what is installed was started. */
  ready(): void;
  /** Call often, from whatever must go on for the agent to be well. */
  beat(pulse: Pulse): void;
}

/** Plans are made several times a second; a disk that hangs, or a defect, stops them. */
const MAX_SINCE_PLAN_MS = 30_000;
/** Ending an isolate takes milliseconds. */
const MAX_OVERDUE_MS = 10_000;
const TIME_LIMIT_MS = 10_000;

export const isWell = ({ sincePlanMs, overdueMs }: Pulse): boolean =>
  sincePlanMs <= MAX_SINCE_PLAN_MS && overdueMs <= MAX_OVERDUE_MS;

type Tell = (...words: string[]) => void;

/** Nobody is waited for: whoever does not hear a beat hears the next. */
const systemdNotify: Tell = (...words) => {
  execFile('systemd-notify', words, { timeout: TIME_LIMIT_MS }, () => undefined);
};

const silent: Watchdog = { ready: () => undefined, beat: () => undefined };

/** `now` is monotonic, ms. Silent where nobody listens. */
export function createWatchdog(
  environment: NodeJS.ProcessEnv,
  now: () => number,
  tell: Tell = systemdNotify,
): Watchdog {
  if ((environment['NOTIFY_SOCKET'] ?? '') === '') return silent;
  const everyMs = Number(environment['WATCHDOG_USEC'] ?? 0) / 1000 / 3;
  let beatAt = -Infinity;
  return {
    ready: () => tell('--ready'),
    beat(pulse) {
      if (!(everyMs > 0) || now() - beatAt < everyMs || !isWell(pulse)) return;
      beatAt = now();
      tell('WATCHDOG=1');
    },
  };
}
