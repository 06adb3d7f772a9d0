/** Checks of what stands between this board and its fleet. */
import { FaultError } from '@wafer/protocol';
import { readConfig } from '../config.ts';
import { openClock } from '../link/clock.ts';
import { certificateExpires, readIdentity, type Identity } from '../link/identity.ts';
import { openSecure } from '../link/secure.ts';
import { Trust } from '../trust/updater.ts';
import { offlineRequests } from '../trust/fetcher.ts';
import type { Check, Finding } from './doctor.ts';

const DAY_MS = 86_400_000;
const ANSWER_MS = 8000;

export const enrolment: Check = async ({ folder }) => {
  const identity = await readIdentity(folder);
  return identity === undefined
    ? {
        verdict: 'fail',
        detail: 'this board is not enrolled',
        advice: 'wafer-agent enrol TOKEN --server URL; the page Enrolment has the whole command',
      }
    : { verdict: 'ok', detail: `${identity.device} at ${identity.server}` };
};

/** For those that have nothing to look at before the board is enrolled. */
const enrolled =
  (look: (identity: Identity, folder: string, now: number) => Promise<Finding> | Finding): Check =>
  async ({ folder, clock }) => {
    const identity = await readIdentity(folder);
    return identity === undefined ? undefined : look(identity, folder, clock.now());
  };

export const certificate = enrolled((identity, _, now) =>
  certificateFinding(certificateExpires(identity).getTime(), now),
);

/** It is renewed after two thirds of its 45 days. */
export function certificateFinding(expires: number, now: number): Finding {
  const until = `until ${new Date(expires).toISOString()}`;
  const advice = 'let the board reach the server: it renews its certificate itself, also an expired one';
  if (expires < now) return { verdict: 'fail', detail: `expired: it was valid ${until}`, advice };
  return expires - now < 10 * DAY_MS
    ? { verdict: 'warn', detail: `valid ${until}, and should have been renewed`, advice }
    : { verdict: 'ok', detail: `valid ${until}` };
}

export const metadata = enrolled(async (_, folder, now) => {
  const trust = await Trust.open({ folder, requests: offlineRequests, clock: await openClock(folder) });
  try {
    const expires = await trust.offline(async (view) => {
      await view.directorKeys();
      return view.expires();
    });
    return metadataFinding(expires, now);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return {
      verdict: 'warn',
      detail: `none has verified yet (${error.fault.kind})`,
      advice: 'let the board reach the server once; until then nothing is installed',
    };
  }
});

export const metadataFinding = (expires: number, now: number): Finding =>
  expires < now
    ? {
        verdict: 'warn',
        detail: `what publishers signed expired at ${new Date(expires).toISOString()}`,
        advice:
          'let the board reach the server; if it does, the server’s keys or a publisher’s role have expired',
      }
    : { verdict: 'ok', detail: `good until ${new Date(expires).toISOString()}` };

export const broker = enrolled(async (identity, folder) => {
  const { host, port } = (await readConfig(folder)).broker ?? identity.broker;
  const where = `${host}:${port}`;
  try {
    const socket = await openSecure({
      host,
      port,
      ca: identity.ca,
      names: [identity.broker.host, host],
      identity: { key: identity.key, certificate: identity.certificate },
      clock: await openClock(folder),
      timeoutMs: ANSWER_MS,
    });
    socket.destroy();
    return { verdict: 'ok', detail: `${where} answers, and is our server` };
  } catch (error) {
    return {
      verdict: 'fail',
      detail: `${where}: ${(error as Error).message}`,
      advice: `is the network up, does the name resolve, does a firewall let TCP ${port} out?`,
    };
  }
});
