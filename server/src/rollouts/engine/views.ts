/** Rollouts as people see them. */
import { WaferError, actionsIn, type RolloutId, type RolloutView } from '@wafer/protocol';
import { asc, inArray } from 'drizzle-orm';
import type { Deps } from '../../deps.ts';
import { rolloutTargets } from '../tables.ts';
import { nameOfWave } from './draft.ts';
import { observe, type Look, type TargetRow } from './observe.ts';

export const readTargets = (db: Deps['db'], ids: readonly RolloutId[]): Promise<TargetRow[]> =>
  db
    .select()
    .from(rolloutTargets)
    .where(inArray(rolloutTargets.rollout, [...ids]))
    .orderBy(asc(rolloutTargets.app))
    .then((rows) => rows);

function viewOf({ rollout, observed: { tallies, sides } }: Look, targets: readonly TargetRow[]): RolloutView {
  const { id, number, name, channel, state, reason, spec, revision } = rollout;
  const waves = spec.waves.flatMap((wave, index) => {
    const progress = rollout.waves[index];
    const tally = tallies[index];
    if (progress === undefined || tally === undefined) return [];
    const { unhealthy: _, zones: ___, ...counts } = tally;
    const { forgiven: __, ...shown } = progress;
    return [{ ...shown, name: nameOfWave(wave), devices: wave.devices, gate: wave.gate, counts }];
  });
  return {
    id,
    number,
    name,
    channel,
    state,
    reason,
    actions: actionsIn(state, rollout.waves),
    targets: targets.map(({ app, version, base, gains, loses }) => ({
      app,
      version,
      from: base?.version ?? null,
      gains,
      loses,
    })),
    movesChannel: spec.among === undefined,
    waves,
    comparison: sides ?? null,
    devices: tallies.reduce((sum, { devices }) => sum + devices, 0),
    inFlight: spec.inFlight,
    windows: spec.windows,
    blackouts: spec.blackouts,
    startAt: spec.startAt ?? null,
    deadline: spec.deadline ?? null,
    created: rollout.created.toISOString(),
    createdBy: rollout.createdBy,
    approvedBy: rollout.approvedBy,
    reverts: rollout.reverts,
    updated: rollout.updated.toISOString(),
    revision,
  };
}

/** Throws rollout.not-found. */
export async function readRollout(db: Deps['db'], id: RolloutId): Promise<RolloutView> {
  const look = await observe(db, id);
  if (look === undefined) throw new WaferError('rollout.not-found', `There is no rollout ${id}.`);
  return viewOf(look, await readTargets(db, [id]));
}
