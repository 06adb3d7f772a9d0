/**
 * Health of updated devices beside that of those not yet started, over the same time: since the wave began
 * to soak. Calls and faults are counted by the agent since its start, so two reports are told apart; where
 * it was restarted meanwhile, the later one says all.
 *
 * At most SAMPLE devices of each side are read, the first by place: a median needs no more.
 */
import type { SideView } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { Deps } from '../../deps.ts';
import type { Sides } from '../plan/compare.ts';
import type { RolloutRow } from './observe.ts';
import { SUCCEEDED } from './words.ts';

const SAMPLE = 500;

const NOTHING: SideView = { devices: 0, faultPercent: null, latencyMs: null, memoryBytes: null };

interface SideRow extends Record<string, unknown> {
  readonly updated: boolean;
  readonly devices: number;
  readonly faults: number | null;
  readonly latency: number | null;
  readonly memory: number | null;
}

const sideOf = (row: SideRow | undefined): SideView =>
  row === undefined
    ? NOTHING
    : { devices: row.devices, faultPercent: row.faults, latencyMs: row.latency, memoryBytes: row.memory };

/** Undefined unless the wave that counts now is watched and its gate compares. */
export async function compareSides(
  db: Deps['db'],
  { id, spec, waves }: Pick<RolloutRow, 'id' | 'spec' | 'waves'>,
): Promise<Sides | undefined> {
  const current = waves.findIndex(({ state }) => state !== 'PASSED');
  const progress = waves[current];
  if (progress === undefined || progress.since === null) return undefined;
  if (progress.state !== 'SOAKING' && progress.state !== 'AWAITING_APPROVAL') return undefined;
  if (spec.waves[current]?.gate.compare === undefined) return undefined;
  const rows = await db.execute<SideRow>(sql`
    with sides as (
      (select device, true as updated from rollout_members
        where rollout = ${id} and wave <= ${current} and state = any(${SUCCEEDED})
        order by wave desc, position limit ${SAMPLE})
      union all
      (select device, false from rollout_members
        where rollout = ${id} and wave > ${current} and state = 'QUEUED' order by position limit ${SAMPLE})
    ),
    health as (
      select s.updated, s.device, l.calls, l.faults, l.memory, l.latency,
        coalesce(f.calls, 0) as calls_before, coalesce(f.faults, 0) as faults_before
      from sides s
        join rollout_targets t on t.rollout = ${id}
        cross join lateral (
          select (a->>'calls')::float8 as calls, (a->>'faults')::float8 as faults,
            (a->>'memoryBytes')::float8 as memory, (a->'latencyMs'->>'p50')::float8 as latency
          from (
            select body from health_reports h
            where h.device = s.device and h.received > ${progress.since}::timestamptz
            order by received desc limit 1
          ) as last, jsonb_array_elements(last.body->'apps') as a where a->>'app' = t.app
        ) as l
        left join lateral (
          select (a->>'calls')::float8 as calls, (a->>'faults')::float8 as faults
          from (
            select body from health_reports h
            where h.device = s.device and h.received <= ${progress.since}::timestamptz
            order by received desc limit 1
          ) as first, jsonb_array_elements(first.body->'apps') as a where a->>'app' = t.app
        ) as f on f.calls <= l.calls
    )
    select updated, count(distinct device)::integer as devices,
      percentile_cont(0.5) within group (order by
        case when calls > calls_before then 100 * (faults - faults_before) / (calls - calls_before) end) as faults,
      percentile_cont(0.5) within group (order by latency) as latency,
      percentile_cont(0.5) within group (order by memory) as memory
    from health group by updated`);
  return {
    updated: sideOf(rows.find(({ updated }) => updated)),
    others: sideOf(rows.find(({ updated }) => !updated)),
  };
}
