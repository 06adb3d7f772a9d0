/** Rollouts as people see them. */
import { WaferError, type RolloutId, type RolloutView } from '@wafer/protocol';
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

function viewOf({ rollout, observed: { tallies } }: Look, targets: readonly TargetRow[]): RolloutView {
  const { id, number, name, channel, state, reason, spec, revision } = rollout;
  const waves = spec.waves.flatMap((wave, index) => {
    const progress = rollout.waves[index];
    const tally = tallies[index];
    if (progress === undefined || tally === undefined) return [];
    const { unhealthy: _, ...counts } = tally;
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
    targets: targets.map(({ app, version, fromVersion, widens }) => ({
      app,
      version,
      from: fromVersion,
      widens,
    })),
    movesChannel: spec.among === undefined,
    waves,
    devices: tallies.reduce((sum, { devices }) => sum + devices, 0),
    inFlight: spec.inFlight,
    startAt: spec.startAt ?? null,
    created: rollout.created.toISOString(),
    createdBy: rollout.createdBy,
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
