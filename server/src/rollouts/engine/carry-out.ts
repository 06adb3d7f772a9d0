/**
 * What was decided, into Postgres: one statement a step, which names the revision that it was decided on.
 * The CTE `claimed` has the rollout's row when that is still so, and everything else hangs on it.
 */
import type { RolloutId, RolloutState } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import { auditRow, type AuditActor } from '../../audit/index.ts';
import type { Deps } from '../../deps.ts';
import { instant, jsonb, textArray } from '../../db/values.ts';
import { alignment } from '../align.ts';
import { untilNoDeadlock } from '../again.ts';
import type { Course } from '../plan/advance.ts';
import type { Decision } from '../plan/plan.ts';
import type { RolloutRow } from './observe.ts';
import { hasNewFailure } from './settle.ts';
import { FAILED, SUCCEEDED } from './words.ts';

/** What happens to members with a step, beside what happens to the rollout's own row. */
export type Effect =
  | { readonly kind: 'none' }
  | { readonly kind: 'reserve' }
  | Extract<Decision, { kind: 'start' }>
  | { readonly kind: 'retry' }
  /** Cancels who waits and who has not begun to swap. */
  | { readonly kind: 'abort' }
  /** Cancels everyone under way; what they run is somebody else's decision now. */
  | { readonly kind: 'let-go' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'returned' }
  | { readonly kind: 'complete'; readonly movesChannel: boolean };

const NOBODY = sql`select null::uuid as rollout, null::text as device, false as holds where false`;

/** A device that has come so far answers with what became of it; it is not called off. */
const IS_SWAPPING = sql`exists (
  select 1 from rollout_targets t
    join assignments a on a.app = t.app and a.device = m.device
    join executions e on e.id = a.execution
  where t.rollout = m.rollout and e.rollout = m.rollout and e.state = 'IN_PROGRESS'
    and e.stage in ('starting', 'probing', 'soaking'))`;

const change = (set: SQL, where: SQL): SQL => sql`
  update rollout_members m set ${set} from claimed where m.rollout = claimed.id and ${where}
  returning m.rollout, m.device, m.holds`;

/** Members whose targets begin to hold, or hold no more. */
function changedMembers(effect: Effect, now: SQL): SQL {
  switch (effect.kind) {
    case 'none':
    case 'reserve':
    case 'retry':
    case 'returned':
    case 'complete':
      return NOBODY;
    case 'start':
      return sql`
        update rollout_members m
        set state = case when next.rests then 'CANCELED' else 'IN_PROGRESS' end,
          cause = case when next.rests then 'resting' end, holds = not next.rests, updated = ${now}
        from (
          select w.rollout, w.device,
            exists (select 1 from device_rests r where r.device = w.device and r.until > ${now}) as rests
          from rollout_members w join claimed on claimed.id = w.rollout
          where w.wave = ${effect.wave} and w.state = 'QUEUED'
            and ${effect.zones === null ? sql`true` : sql`w.time_zone = any(${textArray(effect.zones)})`}
          order by w.position limit ${effect.count}
        ) as next
        where m.rollout = next.rollout and m.device = next.device and m.state = 'QUEUED'
        returning m.rollout, m.device, m.holds`;
    case 'abort':
      return change(
        sql`state = 'CANCELED', holds = false, updated = ${now}`,
        sql`m.state = 'IN_PROGRESS' and not ${IS_SWAPPING}`,
      );
    case 'let-go':
      return change(sql`state = 'CANCELED', holds = false, updated = ${now}`, sql`m.state = 'IN_PROGRESS'`);
    case 'rollback':
      return change(
        sql`state = case when m.state = any(${SUCCEEDED}) then 'ROLLED_BACK' else 'CANCELED' end,
          holds = false, updated = ${now}`,
        sql`m.holds`,
      );
  }
}

/** Whoever only waited is told nothing, so nothing of theirs is aligned. */
function waitingMembers(effect: Effect, now: SQL): SQL {
  switch (effect.kind) {
    case 'abort':
    case 'let-go':
    case 'rollback':
      return change(sql`state = 'CANCELED', updated = ${now}`, sql`m.state = 'QUEUED'`);
    case 'retry':
      return change(
        sql`state = 'QUEUED', cause = null, updated = ${now}`,
        sql`m.cause is not null and m.state = any(${FAILED})`,
      );
    case 'none':
    case 'reserve':
    case 'start':
    case 'returned':
    case 'complete':
      return NOBODY;
  }
}

/** The lock of an app on a channel, which is a unique index; and at the end, the channel. */
function targets(effect: Effect): SQL {
  switch (effect.kind) {
    case 'reserve':
    case 'rollback':
      return sql`update rollout_targets t set active = true from claimed where t.rollout = claimed.id returning t.app`;
    case 'abort':
    case 'let-go':
    case 'returned':
    case 'complete':
      return sql`update rollout_targets t set active = false from claimed where t.rollout = claimed.id returning t.app`;
    case 'none':
    case 'start':
    case 'retry':
      return sql`select null::text as app where false`;
  }
}

const movedChannel = (effect: Effect, now: SQL): SQL =>
  effect.kind !== 'complete' || !effect.movesChannel
    ? sql`select null::text as app where false`
    : sql`
        insert into channel_apps as ca
          (channel, app, version, grants, config, limits, isolation, triggers, health, since, revision)
        select t.channel, t.app, t.version, t.grants, t.config, t.limits, t.isolation, t.triggers, t.health, ${now}, 1
        from rollout_targets t join claimed on claimed.id = t.rollout
        on conflict (channel, app) do update
        set version = excluded.version, grants = excluded.grants, config = excluded.config,
          limits = excluded.limits, isolation = excluded.isolation, triggers = excluded.triggers,
          health = excluded.health, since = excluded.since, revision = ca.revision + 1
        where ca.revision = (
          select t.base_revision from rollout_targets t join claimed on claimed.id = t.rollout
          where t.app = ca.app)
        returning ca.app`;

export interface Step {
  readonly actor: AuditActor;
  /** Dotted verb. */
  readonly action: string;
  readonly course: Course;
  readonly effect: Effect;
  readonly approvedBy?: string;
}

/** False when the rollout is not as it was read, or a device failed since: take over what ended, and look again. */
export async function carryOut(
  deps: Pick<Deps, 'db' | 'clock'>,
  read: Pick<RolloutRow, 'id' | 'revision' | 'state' | 'approvedBy'>,
  { actor, action, course, effect, approvedBy }: Step,
): Promise<boolean> {
  const at = deps.clock.now();
  const now = instant(at);
  const after = { state: course.state, reason: course.reason, ...(effect.kind === 'start' && effect) };
  const audit = auditRow(
    { actor, at, action, subject: `rollout:${read.id}`, before: { state: read.state }, after },
    sql`claimed`,
  );
  const rows = await untilNoDeadlock(() =>
    deps.db.execute<{ id: RolloutId; state: RolloutState }>(sql`
      with claimed as (
        update rollouts set state = ${course.state}, reason = ${course.reason}, waves = ${jsonb(course.waves)},
          approved_by = ${approvedBy ?? read.approvedBy}, updated = ${now}, revision = revision + 1
        where id = ${read.id} and revision = ${read.revision}
          and ${effect.kind === 'start' ? sql`not ${hasNewFailure(read.id)}` : sql`true`}
        returning id
      ),
      member_changed as (${changedMembers(effect, now)}),
      waiting_changed as (${waitingMembers(effect, now)}),
      target_changed as (${targets(effect)}),
      channel_moved as (${movedChannel(effect, now)}),
      ${alignment({ changed: 'members' }, at)},
      audited as (${audit})
      select id from claimed`),
  );
  return rows.length === 1;
}
