/**
 * Takes over, once, what became of members that are under way, in one statement. A device with several
 * apps has failed as soon as one of them has, and has succeeded when all have.
 *
 * Read from what the device is assigned now: whoever was moved by hand, left the channel or was revoked
 * is no member any more (REMOVED). A success counts when the device's list of apps has the digest of the
 * release; one that never says so is silent, and silence is a failure.
 */
import { Hours, Minutes, Seconds, type DeviceId, type RolloutId } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import type { Deps } from '../../deps.ts';
import { instant } from '../../db/values.ts';
import { alignment } from '../align.ts';
import { untilNoDeadlock } from '../again.ts';
import { FAILED, SUCCEEDED } from './words.ts';

/** The list of apps comes with the report of success, or at most so much later. */
const CONFIRM = Minutes(15);

/** A device that failed this often in a row, or so often within a short time, is left alone for a day. */
const REST = { inRow: 3, inBurst: 5, burst: Seconds(180), lasts: Hours(24) } as const;

/** Its own doing: that it was silent, or that it was asked for what it may not run, says nothing of the device. */
const FAULTY = sql`array['FAILED', 'ROLLED_BACK']`;

/** Of what the CTE `ended` names: whoever has failed again and again rests. The timeline is the alignment's. */
const rested = (at: number): SQL => sql`
  insert into device_rests (device, until, why)
  select m.device, ${instant(at + REST.lasts)}, case when last.in_row then
    ${`It failed ${REST.inRow} times in a row`} else ${`It failed ${REST.inBurst} times in three minutes`} end
  from member_changed m join ended on ended.device = m.device
    cross join lateral (
      select
        (select count(*) = ${REST.inRow} and bool_and(l.state = any(${FAULTY})) from (
          select e.state from executions e where e.device = m.device and e.state not in ('QUEUED', 'IN_PROGRESS', 'CANCELED')
          order by e.created desc limit ${REST.inRow}) as l) as in_row,
        (select count(*) >= ${REST.inBurst} from executions e
          where e.device = m.device and e.state = any(${FAULTY}) and e.updated > ${instant(at - REST.burst)}) as in_burst
    ) as last
  where ended.state = any(${FAULTY}) and (last.in_row or last.in_burst)
  on conflict (device) do update set until = excluded.until, why = excluded.why`;

/** Devices whose part has ended. */
export async function settle(deps: Pick<Deps, 'db' | 'clock'>, rollout: RolloutId): Promise<DeviceId[]> {
  const at = deps.clock.now();
  const rows = await untilNoDeadlock(() =>
    deps.db.execute<{ device: DeviceId }>(sql`
      with outcome as (
        select m.device,
          bool_or(e.id is null or a.version <> t.version or a.channel <> t.channel
            or e.state in ('CANCELED', 'REMOVED')) as gone,
          bool_or(e.state in ('QUEUED', 'IN_PROGRESS')) as open,
          min(e.state) filter (where e.state = any(${FAILED})) as failure,
          min(coalesce(e.fault->>'kind', e.state)) filter (where e.state = any(${FAILED})) as cause,
          bool_and(e.state = 'ALREADY_INSTALLED') as already,
          bool_or(e.state = any(${SUCCEEDED}) and d.device is null) as unconfirmed,
          max(e.updated) as last
        from rollout_members m
          join rollout_targets t on t.rollout = m.rollout
          left join releases r on r.app = t.app and r.version = t.version
          left join assignments a on a.device = m.device and a.app = t.app
          left join executions e on e.id = a.execution
          left join device_apps d on d.device = m.device and d.app = t.app and d.digest = r.digest
        where m.rollout = ${rollout} and m.state = 'IN_PROGRESS'
        group by m.device
      ),
      ended as (
        select device,
          case when gone then 'REMOVED' when failure is not null then failure when unconfirmed then 'TIMED_OUT'
            when already then 'ALREADY_INSTALLED' else 'SUCCEEDED' end as state,
          case when gone then null when failure is not null then cause when unconfirmed then 'TIMED_OUT' end as cause
        from outcome
        where gone or failure is not null
          or not open and (not unconfirmed or last < ${instant(at - CONFIRM)})
      ),
      claimed as (
        update rollouts set revision = revision + 1, updated = ${instant(at)}
        where id = ${rollout} and exists (select 1 from ended)
        returning id
      ),
      member_changed as (
        update rollout_members m
        set state = ended.state, cause = ended.cause, holds = ended.state = any(${SUCCEEDED}),
          updated = ${instant(at)}
        from ended, claimed
        where m.rollout = claimed.id and m.device = ended.device and m.state = 'IN_PROGRESS'
        returning m.rollout, m.device, m.holds
      ),
      rested as (${rested(at)}),
      ${alignment({ changed: 'members' }, at)}
      select device from member_changed`),
  );
  return rows.map(({ device }) => device);
}
