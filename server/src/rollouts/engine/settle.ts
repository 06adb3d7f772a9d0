/**
 * Takes over, once, what became of members that are under way, in one statement. A device with several
 * apps has failed as soon as one of them has, and has succeeded when all have.
 *
 * Read from what the device is assigned now: whoever was moved by hand, left the channel or was revoked
 * is no member any more (REMOVED). A success counts when the device's list of apps has the digest of the
 * release; one that never says so is silent, and silence is a failure.
 */
import { Minutes, type DeviceId, type RolloutId } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import type { Deps } from '../../deps.ts';
import { instant } from '../../db/values.ts';
import { alignment } from '../align.ts';
import { untilNoDeadlock } from '../again.ts';
import { rested } from './rest.ts';
import { FAILED, SUCCEEDED } from './words.ts';

/** The list of apps comes with the report of success, or at most so much later. */
const CONFIRM = Minutes(15);

/** CTEs, the last of which is `ended(device, state, cause)`: what became of members that are under way. */
const ended = (rollout: RolloutId, at: number): SQL => sql`
  outcome as (
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
  )`;

/**
 * Whether a failure waits to be taken over. Nobody is started on top of one, since it may be the one at which
 * the gate trips; successes may wait, or there would be no start while many report.
 */
export const hasNewFailure = (rollout: RolloutId): SQL => sql`exists (
  select 1 from rollout_members m
    join rollout_targets t on t.rollout = m.rollout
    join assignments a on a.device = m.device and a.app = t.app
    join executions e on e.id = a.execution
  where m.rollout = ${rollout} and m.state = 'IN_PROGRESS' and e.state = any(${FAILED}))`;

/** Devices whose part has ended. */
export async function settle(deps: Pick<Deps, 'db' | 'clock'>, rollout: RolloutId): Promise<DeviceId[]> {
  const at = deps.clock.now();
  // Most looks find nothing, and then nothing has to be aligned.
  const [found] = await deps.db.execute(sql`with ${ended(rollout, at)} select 1 from ended limit 1`);
  if (found === undefined) return [];
  const rows = await untilNoDeadlock(() =>
    deps.db.execute<{ device: DeviceId }>(sql`
      with ${ended(rollout, at)},
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
