/**
 * The rollback of a completed rollout is a rollout of its own, to what the channel held before: at once, for
 * everybody who is there. Who is silent follows the channel, which moves at its end, and holds up nobody; of a
 * rollout that moved no channel, they wait like the others. What it brings back was approved once, so nobody
 * has to approve it again.
 */
import { CreateRollout, WaferError, type RolloutId } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { Deps } from '../../deps.ts';
import { makeRollout, type Maker } from './make.ts';
import type { RolloutRow, TargetRow } from './observe.ts';

/** Nothing but a damaged signature stops it: whoever fails to go back is no reason to leave the others. */
const GATE = { successPercent: 0, onTrip: 'pause' as const };
const IN_FLIGHT = 1000;
const NAME_LENGTH = 100;

interface Reverted {
  readonly rollout: RolloutRow;
  readonly targets: readonly TargetRow[];
  readonly actor: Maker;
}

/** Throws rollout.nothing-before, rollout.transition, and as `makeRollout` does. */
export async function revertRollout(
  deps: Pick<Deps, 'db' | 'clock'>,
  { rollout, targets, actor }: Reverted,
): Promise<RolloutId> {
  const { channel, spec, number, name } = rollout;
  await mustStillHold(deps.db, rollout, targets);
  const before = targets.map(({ app, base }) => {
    if (base === null)
      throw new WaferError(
        'rollout.nothing-before',
        `${channel} did not hold ${app} before this rollout, so there is nothing to go back to.`,
      );
    return { app, ...base };
  });
  const back = CreateRollout.parse({
    name: `Rollback of ${number}: ${name}`.slice(0, NAME_LENGTH),
    channel,
    targets: before,
    waves: [{ devices: { of: 'rest' }, gate: GATE }],
    inFlight: Math.max(spec.inFlight, IN_FLIGHT),
    timeouts: spec.timeouts,
    ...(spec.among && { among: spec.among }),
  });
  const make = (skip: CreateRollout['skip']) =>
    makeRollout(deps, { ...back, skip }, actor, { reverts: rollout.id });
  if (spec.among !== undefined) return make([]);
  return make(['silent']).catch((error: unknown) => {
    if (error instanceof WaferError && error.code === 'rollout.empty') return make([]);
    throw error;
  });
}

/** Whatever moved the channel since has a rollback of its own. */
async function mustStillHold(
  db: Deps['db'],
  { id, channel, spec }: RolloutRow,
  targets: readonly TargetRow[],
): Promise<void> {
  if (spec.among !== undefined) return;
  const moved = await db.execute<{ app: string; version: string | null }>(sql`
    select t.app, c.version from rollout_targets t
      left join channel_apps c on c.channel = t.channel and c.app = t.app
    where t.rollout = ${id} and c.version is distinct from t.version`);
  const [first] = moved;
  if (first === undefined) return;
  const brought = targets.find(({ app }) => app === first.app)?.version;
  throw new WaferError(
    'rollout.transition',
    `${channel} holds ${first.app} ${first.version ?? 'no more'} now, not ${brought}. Roll back what brought that.`,
  );
}
