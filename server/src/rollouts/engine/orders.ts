/** Orders of people: read, work out purely, write on what was read, or tell who was second. */
import { WaferError, type RolloutAction, type RolloutId } from '@wafer/protocol';
import type { Deps } from '../../deps.ts';
import { isConflict } from '../../db/failures.ts';
import { wakeRunner } from '../index.ts';
import { afterOrder, type Course } from '../plan/advance.ts';
import { carryOut, type Effect } from './carry-out.ts';
import { observe, type Look, type RolloutRow } from './observe.ts';
import type { Maker } from './make.ts';
import { revertRollout } from './revert.ts';
import { readTargets } from './views.ts';
import { settle } from './settle.ts';

/** The server's own steps come in between; a person's order is not refused for them. */
const ATTEMPTS = 20;

export interface Order {
  readonly id: RolloutId;
  readonly action: RolloutAction;
  readonly reason: string | null;
  /** Revision that the caller has seen; undefined: any. */
  readonly ifMatch: number | undefined;
  readonly actor: Maker;
}

function effectOf(action: RolloutAction, course: Course): Effect {
  switch (action) {
    case 'start':
      return { kind: 'reserve' };
    case 'abort':
      return { kind: 'abort' };
    case 'rollback':
      return { kind: 'rollback' };
    case 'retry':
      return { kind: 'retry' };
    case 'approve':
    case 'pause':
    case 'resume':
      return course.state === 'ABORTED' ? { kind: 'abort' } : { kind: 'none' };
  }
}

/** Who widens what releases may do does not approve it. */
function mustBeAnother({ state, createdBy, creator }: RolloutRow, { action, actor }: Order): void {
  if (action !== 'approve' || state !== 'AWAITING_APPROVAL') return;
  // A person and that person's tokens are one.
  const isSame = creator === null ? actor.audit === createdBy : actor.person === creator;
  if (isSame)
    throw new WaferError(
      'rollout.same-person',
      `${createdBy} made this rollout, which widens what a release may do. Somebody else has to approve it.`,
    );
}

/** Undefined when the rollout was changed since it was read. */
async function attempt(
  deps: Deps,
  order: Order,
  { rollout, observed }: Look,
): Promise<RolloutId | undefined> {
  const { action, reason, actor } = order;
  if (order.ifMatch !== undefined && order.ifMatch !== rollout.revision)
    throw new WaferError(
      'request.precondition-failed',
      `The rollout is at revision ${rollout.revision}, not ${order.ifMatch}. Look at it again.`,
    );
  mustBeAnother(rollout, order);
  const targets = await readTargets(deps.db, [rollout.id]);
  if (action === 'rollback' && rollout.state === 'COMPLETED')
    return revertRollout(deps, { rollout, targets, actor });
  const needsApproval = targets.some(({ gains }) => gains.length > 0);
  const circumstances = { needsApproval, tallies: observed.tallies, reason };
  const course = afterOrder(rollout, action, circumstances, deps.clock.now());
  const isGrant = action === 'approve' && rollout.state === 'AWAITING_APPROVAL';
  const isDone = await carryOut(deps, rollout, {
    actor,
    action: `rollout.${action}`,
    course,
    effect: effectOf(action, course),
    ...(isGrant && { approvedBy: actor.audit }),
  });
  return isDone ? rollout.id : undefined;
}

/**
 * The rollout that follows: the same, or the one that takes a completed one back. Throws rollout.not-found,
 * rollout.transition, rollout.conflict, rollout.same-person, request.precondition-failed.
 */
export async function obey(deps: Deps, order: Order): Promise<RolloutId> {
  for (let attempts = 0; attempts < ATTEMPTS; attempts += 1) {
    if (order.action !== 'start') await settle(deps, order.id);
    const look = await observe(deps.db, order.id);
    if (look === undefined) throw new WaferError('rollout.not-found', `There is no rollout ${order.id}.`);
    const told = await attempt(deps, order, look).catch((error: unknown) => {
      if (!isConflict(error)) throw error;
      throw new WaferError(
        'rollout.conflict',
        `Another rollout of ${look.rollout.channel} is moving an app of this one. Abort that one or wait for its end.`,
        { cause: error },
      );
    });
    if (told === undefined) continue;
    deps.live.publish({ type: 'rollout', rollout: told });
    wakeRunner(deps);
    return told;
  }
  throw new WaferError('request.precondition-failed', 'The rollout is being changed by others. Try again.');
}
