/**
 * Time as an event: executions without news end as TIMED_OUT, so that a silent device is never
 * taken for a success; and those that a newer assignment overtook in the same instant end as
 * CANCELED.
 */
import { Minutes, type DeviceId } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { Deps } from '../deps.ts';
import { instant } from '../db/values.ts';

/**
 * Without news for this long, beyond what the health rule lets it take, an execution has failed. A rollout
 * may say otherwise for its own, stage by stage.
 */
const SILENCE_MINUTES = 15;

/** Devices whose executions ended. A device that speaks later is heard: its own word replaces ours. */
export async function timeOut(deps: Pick<Deps, 'db' | 'clock'>): Promise<DeviceId[]> {
  const at = deps.clock.now();
  const rows = await deps.db.execute<{ device: DeviceId }>(sql`
    with silent as (
      select e.id, a.execution is null as overtaken
      from executions e left join assignments a on a.execution = e.id
        left join rollouts r on r.id = e.rollout
      where e.state in ('QUEUED', 'IN_PROGRESS') and (
        a.execution is null and e.updated < ${instant(at - Minutes(1))}
        or e.updated < ${instant(at)} - make_interval(
            mins => coalesce((r.spec->'timeouts'->>coalesce(e.stage, 'queued'))::integer, ${SILENCE_MINUTES}::integer))
          - make_interval(secs =>
          coalesce((a.health->>'probeWithinMs')::numeric + (a.health->>'soakMs')::numeric, 0)::float8 / 1000))
      order by e.id for update of e
    ),
    ended as (
      update executions e
      set state = case when silent.overtaken then 'CANCELED' else 'TIMED_OUT' end, updated = ${instant(at)}
      from silent where e.id = silent.id and e.state in ('QUEUED', 'IN_PROGRESS')
      returning e.device, e.app, e.version, e.state
    ),
    told as (
      insert into device_events (device, at, kind, app, version, state, text)
      select device, ${instant(at)}, 'execution', app, version, state,
        app || ' ' || version || case state when 'TIMED_OUT' then ': no news from the device' else ': overtaken' end
      from ended
    )
    select distinct device from ended`);
  return rows.map(({ device }) => device);
}
