/**
 * `unenrol`: this board forgets who it was. All that belongs to its identity goes with it: the key and the
 * certificate, what was trusted and ordered, apps and what they kept, the agent that the fleet brought. The
 * owner's agent.yaml stays. The server is not asked, so it also works where there is none any more; what it
 * still has is said.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceId } from '@wafer/protocol';
import { ConfigError } from './config.ts';
import { readIdentity } from './link/identity.ts';
import { lockFolder } from './lock.ts';

const KEPT = new Set(['agent.yaml']);

export interface Unenrolled {
  readonly device: DeviceId;
  readonly server: string;
}

/** Throws ConfigError where there is nothing to forget, or the agent still runs. */
export async function unenrol(folder: string): Promise<Unenrolled> {
  const identity = await readIdentity(folder);
  if (identity === undefined) throw new ConfigError(`${folder} is not enrolled`);
  const lock = await lockFolder(folder);
  if (lock === undefined) throw new ConfigError(`the agent runs on ${folder}: end it first`);
  try {
    // The identity first: a board that is cut off here has none, and its next enrolment starts over.
    const names = (await readdir(folder)).filter((name) => !KEPT.has(name) && name !== 'identity');
    for (const name of ['identity', ...names]) await rm(join(folder, name), { recursive: true, force: true });
  } finally {
    lock.close();
  }
  return { device: identity.device, server: identity.server };
}

export const unenrolText = ({ device, server }: Unenrolled): string =>
  `${device} is forgotten here: key, certificate, apps and what they kept.\n` +
  `${server} still lists it. To have its certificate refused: wafer devices revoke ${device}\n`;
