/** Moving a channel: read, plan purely, write on the revision that was read, or read again. */
import {
  WaferError,
  type AppName,
  type ChannelName,
  type MoveChannel,
  type MovedChannel,
} from '@wafer/protocol';
import type { z } from 'zod';
import type { AuditActor } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { findRelease } from '../releases/index.ts';
import { alignApp, wakeRunner } from '../rollouts/index.ts';
import { changesNothing, planMove } from './plan.ts';
import { mustFind } from './propose.ts';
import { readChannelApp, storeMove } from './store.ts';

const ATTEMPTS = 20;

export interface MoveOrder {
  readonly channel: ChannelName;
  readonly app: AppName;
  readonly body: z.infer<typeof MoveChannel>;
  /** Revision that the caller has seen; 0 when the channel did not hold the app. Undefined: any. */
  readonly ifMatch: number | undefined;
  readonly actor: AuditActor;
}

/** Throws release.not-found, request.invalid, component.import-refused, request.precondition-failed. */
export async function moveChannel(
  deps: Deps,
  order: MoveOrder,
): Promise<{ moved: MovedChannel; revision: number }> {
  const { channel, app, body, ifMatch, actor } = order;
  const next = await mustFind(deps.db, app, body.version);
  const answer = (devices: number): MovedChannel => ({ channel, app, version: body.version, devices });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const held = await readChannelApp(deps.db, channel, app);
    const revision = held?.revision ?? 0;
    if (ifMatch !== undefined && ifMatch !== revision)
      throw new WaferError(
        'request.precondition-failed',
        `${channel} is at revision ${revision} for ${app}, not ${ifMatch}. Look at it again before you move it.`,
      );
    const current = held && (await findRelease(deps.db, app, held.version));
    const approved = planMove(body, held, { next, current });
    if (changesNothing(held, approved)) return { moved: answer(0), revision };
    const stored = await storeMove(deps, { channel, app, held, approved, actor });
    if (stored === undefined) continue;
    await tell(deps, channel, app);
    return { moved: answer(stored.devices), revision: stored.revision };
  }
  throw new WaferError('request.precondition-failed', `${channel} is being moved by others. Try again.`);
}

/** The move is done; what follows is a hint and a repair, so its failure is not the move's. */
async function tell(deps: Deps, channel: ChannelName, app: AppName): Promise<void> {
  wakeRunner(deps);
  deps.live.publish({ type: 'channel', channel });
  deps.live.publish({ type: 'release', app });
  try {
    if ((await alignApp(deps, app)).length > 0) wakeRunner(deps);
  } catch (error) {
    deps.log.warn({ err: error, app }, 'assignments will be looked at again by the sweep');
  }
}
