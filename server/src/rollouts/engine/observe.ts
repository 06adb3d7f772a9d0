/** A rollout and its numbers, of one instant. */
import { FAILURES, SUCCESSES, type ExecutionState, type RolloutId } from '@wafer/protocol';
import { eq, sql } from 'drizzle-orm';
import type { Deps } from '../../deps.ts';
import type { Tally } from '../plan/gate.ts';
import type { Observed } from '../plan/plan.ts';
import { rollouts, type rolloutTargets } from '../tables.ts';
import { compareSides } from './compare.ts';
import { SUCCEEDED } from './words.ts';

export type RolloutRow = typeof rollouts.$inferSelect;
export type TargetRow = typeof rolloutTargets.$inferSelect;

interface Count {
  readonly wave: number;
  readonly state: ExecutionState;
  readonly cause: string | null;
  /** Only of those that wait. */
  readonly zone: string | null;
  readonly devices: number;
}

const NOTHING = { devices: 0, waiting: 0, started: 0, succeeded: 0, failed: 0, withdrawn: 0, unhealthy: 0 };

/** ROLLED_BACK without a cause was ordered; with one, the device did it by itself. */
function kindOf({ state, cause }: Count): 'waiting' | 'started' | 'succeeded' | 'failed' | 'withdrawn' {
  if (FAILURES.has(state) && cause !== null) return 'failed';
  if (SUCCESSES.has(state)) return 'succeeded';
  if (state === 'QUEUED') return 'waiting';
  return state === 'IN_PROGRESS' ? 'started' : 'withdrawn';
}

/** Rows of counts → one tally a wave. */
function talliesOf(
  waves: number,
  counts: readonly Count[],
  unhealthy: readonly { readonly wave: number; readonly devices: number }[],
): Tally[] {
  const tallies = Array.from({ length: waves }, () => ({
    ...NOTHING,
    causes: {} as Record<string, number>,
    zones: {} as Record<string, number>,
  }));
  for (const count of counts) {
    const tally = tallies[count.wave];
    if (tally === undefined) continue;
    tally.devices += count.devices;
    const kind = kindOf(count);
    tally[kind] += count.devices;
    if (count.zone !== null) tally.zones[count.zone] = count.devices;
    if (kind === 'failed' && count.cause !== null)
      tally.causes[count.cause] = (tally.causes[count.cause] ?? 0) + count.devices;
  }
  for (const { wave, devices } of unhealthy) {
    const tally = tallies[wave];
    if (tally !== undefined) tally.unhealthy = devices;
  }
  return tallies;
}

export interface Look {
  readonly rollout: RolloutRow;
  readonly observed: Observed;
}

/**
 * The revision and everything that is decided on it are read by one statement, so that no number is
 * newer or older than the revision. Undefined when there is no such rollout.
 */
export async function observe(db: Deps['db'], id: RolloutId): Promise<Look | undefined> {
  const of = sql`rollout = ${id}`;
  const [row] = await db
    .select({
      rollout: rollouts,
      counts: sql<Count[]>`(
        select coalesce(jsonb_agg(c), '[]') from (
          select wave, state, cause, case when state = 'QUEUED' then time_zone end as zone,
            count(*)::integer as devices
          from rollout_members where ${of} group by 1, 2, 3, 4
        ) c)`,
      unhealthy: sql<{ wave: number; devices: number }[]>`(
        select coalesce(jsonb_agg(u), '[]') from (
          select m.wave, count(distinct m.device)::integer as devices
          from rollout_members m
            join rollout_targets t on t.rollout = m.rollout
            join device_apps a on a.device = m.device and a.app = t.app and a.version = t.version
          where m.${of} and m.state = any(${SUCCEEDED}) and a.state = 'failed' group by m.wave
        ) u)`,
      overtaken: sql<boolean>`exists (
        select 1 from rollout_targets t
          left join channel_apps c on c.channel = t.channel and c.app = t.app
        where t.${of} and t.base_revision <> coalesce(c.revision, 0))`,
      returning: sql<number>`case when ${rollouts.state} <> 'ROLLING_BACK' then 0 else (
        select count(distinct m.device)::integer from rollout_members m
          join rollout_targets t on t.rollout = m.rollout
          join assignments a on a.device = m.device and a.app = t.app
          join executions e on e.id = a.execution
        where m.${of} and m.state in ('ROLLED_BACK', 'CANCELED') and m.cause is null
          and e.state in ('QUEUED', 'IN_PROGRESS')) end`,
    })
    .from(rollouts)
    .where(eq(rollouts.id, id));
  if (row === undefined) return undefined;
  const { rollout, counts, unhealthy, overtaken, returning } = row;
  const tallies = talliesOf(rollout.waves.length, counts, unhealthy);
  const sides = await compareSides(db, rollout);
  return { rollout, observed: { tallies, overtaken, returning, ...(sides && { sides }) } };
}
