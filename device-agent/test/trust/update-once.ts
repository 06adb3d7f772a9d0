/**
 * One board, one order: trust is brought up to date and the order judged by it, as the agent does; a test
 * kills it in the middle. The server is what an `Update` in a file says it answers; where something is not
 * there, the update ends half-way, as it would by a link that breaks.
 */
import { readFileSync } from 'node:fs';
import { FaultError, type SignedDesired } from '@wafer/protocol';
import { Config } from '../../src/config.ts';
import { openClock } from '../../src/link/clock.ts';
import { judgeDesired, type Verdict } from '../../src/trust/desired.ts';
import { Floors } from '../../src/trust/floors.ts';
import { Trust } from '../../src/trust/updater.ts';
import { DEVICE } from '../state/orders.ts';
import { Repository } from './repository.ts';

export interface Update {
  /** Base64 by name. */
  readonly files: Record<string, string>;
  readonly blobs: Record<string, string>;
  readonly desired: SignedDesired;
  /** ms since 1970. */
  readonly at: number;
}

export async function update(
  folder: string,
  requests: Repository['requests'],
  { desired, at }: Pick<Update, 'desired' | 'at'>,
): Promise<Verdict[]> {
  const clock = await openClock(folder, { now: () => at, isSynchronised: async () => true });
  const trust = await Trust.open({ folder, requests, clock });
  const floors = await Floors.open(folder);
  const { policy } = Config.parse({});
  return trust.refresh((view) =>
    judgeDesired(desired, { view, device: DEVICE, policy, floors, now: clock.now(), last: undefined }),
  );
}

const [folder, file] = process.argv.slice(2);
if (import.meta.main && folder !== undefined && file !== undefined) {
  const { files, blobs, ...given } = JSON.parse(readFileSync(file, 'utf8')) as Update;
  const repository = new Repository();
  repository.files.clear();
  for (const [name, bytes] of Object.entries(files)) repository.files.set(name, Buffer.from(bytes, 'base64'));
  for (const [name, bytes] of Object.entries(blobs)) repository.blobs.set(name, Buffer.from(bytes, 'base64'));
  await update(folder, repository.requests, given).catch((error: unknown) => {
    if (!(error instanceof FaultError) || error.fault.kind !== 'link') throw error;
  });
}
