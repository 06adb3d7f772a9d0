/** What a move would make of a channel's app, read and planned but not written. */
import {
  WaferError,
  type Approved,
  type AppName,
  type ChannelName,
  type MoveChannel,
  type Version,
} from '@wafer/protocol';
import type { z } from 'zod';
import type { Deps } from '../deps.ts';
import { currentFloor, findRelease, type ReleaseRow } from '../releases/index.ts';
import { planMove, type ChannelApp } from './plan.ts';
import { readChannelApp } from './store.ts';

/** Throws release.not-found, and request.invalid below the publisher's floor. */
export async function mustFind(db: Deps['db'], app: AppName, version: Version): Promise<ReleaseRow> {
  const release = await findRelease(db, app, version);
  if (release === undefined)
    throw new WaferError('release.not-found', `There is no release ${version} of ${app}. Publish it first.`);
  const floor = await currentFloor(db, app);
  if (release.counter < floor)
    throw new WaferError(
      'request.invalid',
      `body/version: the publisher has ruled out ${app} ${version}; its floor is now release number ${floor}.`,
    );
  return release;
}

export interface Proposal {
  readonly held: ChannelApp | undefined;
  readonly approved: Approved;
  readonly next: ReleaseRow;
  /** The release that the channel holds. */
  readonly current: ReleaseRow | undefined;
}

/** The same for a pin of one device; what is absent stays as the pin has it. Throws like `proposeMove`. */
export async function proposePin(
  db: Deps['db'],
  { channel, app, body }: { channel: ChannelName; app: AppName; body: z.infer<typeof MoveChannel> },
  pin: Approved | undefined,
): Promise<Pick<Proposal, 'approved'>> {
  if (pin === undefined) return proposeMove(db, { channel, app, body });
  const next = await mustFind(db, app, body.version);
  const current = await findRelease(db, app, pin.version);
  return { approved: planMove(body, pin, { next, current }) };
}

/** Throws like `mustFind`, and request.invalid or component.import-refused like a move. */
export async function proposeMove(
  db: Deps['db'],
  { channel, app, body }: { channel: ChannelName; app: AppName; body: z.infer<typeof MoveChannel> },
): Promise<Proposal> {
  const next = await mustFind(db, app, body.version);
  const held = await readChannelApp(db, channel, app);
  const current = held && (await findRelease(db, app, held.version));
  return { held, approved: planMove(body, held, { next, current }), next, current };
}
