/**
 * Rests: a device that fails again and again is left alone for a day, so that it wears neither its flash nor
 * its owner's patience, and trips no gate for what is its own trouble.
 */
import { Hours, Seconds } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import { instant } from '../../db/values.ts';

/** So many updates in a row, or so many failures within a short time. */
const IN_ROW = 3;
const IN_BURST = 5;
const BURST = Seconds(180);
const LASTS = Hours(24);

/** Its own doing: that it was silent, or that it was asked for what it may not run, says nothing of the device. */
const FAULTY = sql`array['FAILED', 'ROLLED_BACK']`;

/**
 * Of the devices of the CTEs `ended` and `member_changed`, whoever has failed so often rests. In a row count
 * updates by rollouts, since between two of them a device goes back to what it had; all apps of one update
 * are one. What was before an earlier rest does not count again.
 */
export const rested = (at: number): SQL => sql`
  insert into device_rests as r (device, until, why)
  select m.device, ${instant(at + LASTS)},
    case when last.in_row then ${`It failed ${IN_ROW} times in a row`}
      else ${`It failed ${IN_BURST} times in three minutes`} end
  from member_changed m join ended on ended.device = m.device
    left join device_rests before on before.device = m.device
    cross join lateral (
      select
        (select count(*) = ${IN_ROW} and bool_and(l.failed) from (
          select bool_or(e.state = any(${FAULTY})) as failed from executions e
          where e.device = m.device and e.rollout is not null
            and e.state not in ('QUEUED', 'IN_PROGRESS', 'CANCELED')
            and e.created >= coalesce(before.until, '-infinity')
          group by e.rollout, e.created order by e.created desc limit ${IN_ROW}) as l) as in_row,
        (select count(*) >= ${IN_BURST} from executions e
          where e.device = m.device and e.state = any(${FAULTY}) and e.updated > ${instant(at - BURST)}
            and e.updated >= coalesce(before.until, '-infinity')) as in_burst
    ) as last
  where ended.state = any(${FAULTY}) and (last.in_row or last.in_burst)
  on conflict (device) do update set until = excluded.until, why = excluded.why`;
