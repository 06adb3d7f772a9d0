/**
 * Asks the server what time it is, under a nonce that is never used twice, and believes an answer
 * that a director key signed for this device under that nonce. What is kept back longer than a
 * request waits is no answer any more, so an answer is late by seconds at most.
 *
 * The keys are those of the metadata that verified last, so a board that never verified any, or
 * whose director's keys were rotated while it was away, asks again until it has caught up.
 */
import { randomBytes } from 'node:crypto';
import { FaultError, isSignedBy, SignedTime, type DeviceId } from '@wafer/protocol';
import type { Trust } from '../trust/updater.ts';
import { reason, type Log } from '../log.ts';
import type { TrustedClock } from './clock.ts';
import type { Requests } from './requests.ts';

const HOUR_MS = 3_600_000;
const RETRY_MS = 10_000;

export interface TimekeeperOptions {
  readonly device: DeviceId;
  readonly requests: Pick<Requests, 'ask'>;
  readonly trust: Pick<Trust, 'offline'>;
  readonly clock: TrustedClock;
  readonly log: Log;
  readonly monotonic: () => number;
}

export interface Timekeeper {
  /** Call now and then while there is a session: asks once an hour, more often until it was told. */
  tick(): void;
  /** There is a session: asks at the next tick. */
  connected(): void;
}

export function createTimekeeper(options: TimekeeperOptions): Timekeeper {
  const { clock, log, monotonic } = options;
  let isAsking = false;
  let nextAt = 0;
  let lastReason: string | undefined;

  async function ask(): Promise<void> {
    // The system may have found out meanwhile.
    await clock.sample();
    clock.answered(await askTime(options));
  }

  return {
    tick() {
      if (isAsking || monotonic() < nextAt) return;
      isAsking = true;
      ask()
        .then(
          () => {
            nextAt = monotonic() + HOUR_MS;
            lastReason = undefined;
          },
          (error: unknown) => {
            nextAt = monotonic() + RETRY_MS;
            const why = reason(error);
            if (why !== lastReason) log('info', 'the server did not tell the time', { reason: why });
            lastReason = why;
          },
        )
        .finally(() => (isAsking = false));
    },
    connected() {
      nextAt = 0;
    },
  };
}

/** What the server says, ms since 1970. Rejects with `link`, or with `signature` when it is not its word. */
async function askTime({ device, requests, trust }: TimekeeperOptions): Promise<number> {
  const nonce = randomBytes(16).toString('hex');
  const { keys } = await trust.offline((view) => view.directorKeys());
  const answer = await requests.ask({ want: 'time', nonce });
  if (answer.status === 'error') throw new FaultError('link', `the server says ${answer.code}`, 'time');
  const { signed, signatures } = SignedTime.parse(JSON.parse(answer.body.toString('utf8')));
  if (signed.device !== device || signed.nonce !== nonce) {
    throw new FaultError('signature', 'the time was told to somebody else, or before', 'time');
  }
  if (!isSignedBy(signed, signatures, keys)) {
    throw new FaultError('signature', 'no director key signed the time', 'time');
  }
  return Date.parse(signed.time);
}
