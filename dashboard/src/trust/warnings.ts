/** What somebody with the keys has to do soon, from who may sign what and until when. Pure. */
import type { TrustView } from '@wafer/protocol/trust';

const DAY_MS = 86_400_000;

export interface Warning {
  readonly tone: 'bad' | 'warn';
  readonly text: string;
  /** What helps, to be run where the keys lie. */
  readonly command: string;
}

const WAFER = 'npm run wafer -- keys';

const within = (days: number): string => {
  if (days < 1) return 'within a day';
  return days === 1 ? 'in a day' : `in ${days} days`;
};

/** The server renews its own roles days ahead; one that expired all the same is no work for keys. */
export function warningsOf({ roles, online }: TrustView, nowMs: number): Warning[] {
  const expiring = roles.flatMap(({ role, kind, expires, expiry }): Warning[] => {
    if (expiry === 'fine' || expires === null) return [];
    const command = kind === 'online' ? `${WAFER} status` : `${WAFER} renew ${role}`;
    if (expiry === 'expired')
      return [{ tone: 'bad', text: `What ${role} signed has expired: boards install nothing.`, command }];
    const days = Math.floor((Date.parse(expires) - nowMs) / DAY_MS);
    const text = `What ${role} signed expires ${within(days)}; boards install nothing from then on.`;
    return [{ tone: 'warn', text, command }];
  });
  const waiting = online.filter(({ state }) => state === 'waiting').map(({ role }) => role);
  if (waiting.length === 0) return expiring;
  const text = `The server has made new keys for itself (${waiting.join(', ')}); root and targets have to name them.`;
  return [...expiring, { tone: 'warn', text, command: `${WAFER} rotate online` }];
}
