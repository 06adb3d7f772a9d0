/** A new rollout: what the preview showed, stored as a draft by one statement. */
import { randomUUID } from 'node:crypto';
import {
  WaferError,
  type CreateRollout,
  type DeviceId,
  type RolloutId,
  type RolloutState,
  type WaveProgress,
} from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { approvedOf } from '../../channels/index.ts';
import { auditRow, type AuditActor } from '../../audit/index.ts';
import type { Actor } from '../../http/auth.ts';
import type { Deps } from '../../deps.ts';
import { instant, jsonb } from '../../db/values.ts';
import { draft, inOrder, type Draft } from './draft.ts';

/** Who asks, and whose doing that is. */
export type Maker = AuditActor & Pick<Actor, 'person'>;

const WAITING: WaveProgress = { state: 'WAITING', since: null, reason: null, forgiven: {} };

const targetRows = ({ targets }: Draft): object[] =>
  targets.map(({ app, version, approved, held, gains, loses }) => ({
    ...approved,
    app,
    version,
    gains,
    loses,
    base_revision: held?.revision ?? 0,
    base: held === undefined ? null : approvedOf(held),
  }));

/** In the order in which they are started: ids, indexes of waves, time zones. */
function memberColumns(made: Draft): [DeviceId[], number[], string[]] {
  const { order, wave } = made.assignment;
  const all = inOrder(made);
  return [
    all.map(({ device }) => device.id),
    Array.from(order, (index) => wave[index] ?? 0),
    all.map(({ device }) => device.timeZone),
  ];
}

/**
 * A draft, or what takes another rollout back, which begins at once. Throws as `draft` does, and
 * rollout.changed when it is not what the caller has seen. */
export async function makeRollout(
  deps: Pick<Deps, 'db' | 'clock'>,
  { fingerprint: seen, ...spec }: CreateRollout,
  actor: Maker,
  { reverts }: { reverts?: RolloutId } = {},
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
  const [ids, waves, zones] = memberColumns(made);
  const after = {
    name: spec.name,
    channel: spec.channel,
    targets: spec.targets,
    fingerprint: made.fingerprint,
    ...(reverts && { reverts }),
  };
  const state: RolloutState = reverts === undefined ? 'DRAFT' : 'SCHEDULED';
  const audit = auditRow(
    { actor, at, action: 'rollout.created', subject: `rollout:${id}`, after },
    sql`made`,
  );
  await deps.db.execute(sql`
    with made as (
      insert into rollouts
        (id, name, channel, state, spec, waves, fingerprint, created, created_by, creator, reverts, updated, revision)
      values (${id}, ${spec.name}, ${spec.channel}, ${state}, ${jsonb(spec)}, ${jsonb(spec.waves.map(() => WAITING))},
        ${made.fingerprint}, ${now}, ${actor.audit}, ${actor.person}, ${reverts ?? null}, ${now}, 1)
      returning id, channel
    ),
    targets as (
      insert into rollout_targets (rollout, channel, app, version, grants, config, limits, triggers, health,
        isolation, base_revision, base, gains, loses, active)
      select made.id, made.channel, t.*, ${reverts !== undefined} from made, jsonb_to_recordset(${jsonb(targetRows(made))}) as t(
        app text, version text, grants jsonb, config jsonb, limits jsonb, triggers jsonb, health jsonb,
        isolation text, base_revision integer, base jsonb, gains text[], loses text[])
    ),
    members as (
      insert into rollout_members (rollout, device, wave, position, state, time_zone, updated)
      select made.id, m.device, m.wave::integer, m.position, 'QUEUED', m.time_zone, ${now}
      from made, rows from (
        jsonb_array_elements_text(${jsonb(ids)}), jsonb_array_elements_text(${jsonb(waves)}),
        jsonb_array_elements_text(${jsonb(zones)})
      ) with ordinality as m(device, wave, time_zone, position)
    ),
    audited as (${audit})
    select id from made`);
  return id;
}
