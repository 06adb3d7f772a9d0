/** A new rollout: what the preview showed, stored as a draft by one statement. */
import { randomUUID } from 'node:crypto';
import { WaferError, type CreateRollout, type RolloutId, type WaveProgress } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { auditRow, type AuditActor } from '../../audit/index.ts';
import type { Deps } from '../../deps.ts';
import { instant, jsonb } from '../../db/values.ts';
import { draft, inOrder, type Draft } from './draft.ts';

const WAITING: WaveProgress = { state: 'WAITING', since: null, reason: null, forgiven: {} };

const targetRows = ({ targets }: Draft): object[] =>
  targets.map(({ app, version, approved, held, widens }) => ({
    ...approved,
    app,
    version,
    widens,
    base_revision: held?.revision ?? 0,
    from_version: held?.version ?? null,
  }));

/** Index of the wave of each device, in the order in which they are started. */
const wavesInOrder = ({ assignment: { order, wave } }: Draft): number[] =>
  Array.from(order, (index) => wave[index] ?? 0);

/** Throws as `draft` does, and rollout.changed when it is not what the caller has seen. */
export async function makeRollout(
  deps: Pick<Deps, 'db' | 'clock'>,
  { fingerprint: seen, ...spec }: CreateRollout,
  actor: AuditActor,
): Promise<RolloutId> {
  const made = await draft(deps, spec);
  if (seen !== undefined && seen !== made.fingerprint)
    throw new WaferError(
      'rollout.changed',
      'Since the preview devices came or went, or the channel was moved. Look at a new preview.',
    );
  const id = randomUUID() as RolloutId;
  const at = deps.clock.now();
  const now = instant(at);
  const after = {
    name: spec.name,
    channel: spec.channel,
    targets: spec.targets,
    fingerprint: made.fingerprint,
  };
  const audit = auditRow(
    { actor, at, action: 'rollout.created', subject: `rollout:${id}`, after },
    sql`made`,
  );
  await deps.db.execute(sql`
    with made as (
      insert into rollouts
        (id, name, channel, state, spec, waves, fingerprint, created, created_by, updated, revision)
      values (${id}, ${spec.name}, ${spec.channel}, 'DRAFT', ${jsonb(spec)}, ${jsonb(spec.waves.map(() => WAITING))},
        ${made.fingerprint}, ${now}, ${actor.audit}, ${now}, 1)
      returning id, channel
    ),
    targets as (
      insert into rollout_targets (rollout, channel, app, version, grants, config, limits, triggers, health,
        isolation, base_revision, from_version, widens)
      select made.id, made.channel, t.* from made, jsonb_to_recordset(${jsonb(targetRows(made))}) as t(
        app text, version text, grants jsonb, config jsonb, limits jsonb, triggers jsonb, health jsonb,
        isolation text, base_revision integer, from_version text, widens text)
    ),
    members as (
      insert into rollout_members (rollout, device, wave, position, state, updated)
      select made.id, m.device, m.wave::integer, m.position, 'QUEUED', ${now}
      from made, rows from (
        jsonb_array_elements_text(${jsonb(inOrder(made))}), jsonb_array_elements_text(${jsonb(wavesInOrder(made))})
      ) with ordinality as m(device, wave, position)
    ),
    audited as (${audit})
    select id from made`);
  return id;
}
