/**
 * The one statement that brings assignments in line with what devices should run (wanted.ts). Where that is
 * not what is assigned it writes the assignment, a new execution, the end of the one before, the timeline,
 * the device's next desired version and the outbox row: all of it or nothing.
 *
 * Races: a statement sees the tables as they were when it began. So an assignment is replaced only
 * while it is still the one that was seen (`seen`), devices are locked in the order of their ids
 * before anything of theirs is written, and whatever two statements missed of each other is put
 * right by the next alignment: after a move, at every hello, and by the sweep.
 *
 * Speed: the planner does not know how many rows a CTE has and would join two of them by looking at every
 * pair. So each step is driven by one CTE and joined to tables by their keys; where it needs another CTE, it
 * asks `(… in (select …)) is true`, which is answered from a hash and never becomes a join.
 */
import { sql, type SQL } from 'drizzle-orm';
import { instant } from '../db/values.ts';
import { wanted, wholeDevices, type Scope } from './wanted.ts';

export type { Scope };

/** Only a device that is looked at whole can lose an app that nothing gives it any more. */
function lostFor(scope: Scope): SQL {
  const whole = wholeDevices(scope);
  return whole === undefined
    ? sql`select device, app, execution from assignments where false`
    : sql`
      select a.device, a.app, a.execution from assignments a join devices d on d.id = a.device
      where ${whole} and d.revoked is null and (a.device, a.app) not in (select device, app from wanted)`;
}

const LOCKED = (device: SQL): SQL => sql`(${device} in (select id from locked)) is true`;

/**
 * CTEs, the last of which is `touched(device)`: the devices whose desired state changed. What the scope
 * names must stand before them.
 */
export function alignment(scope: Scope, at: number): SQL {
  const now = instant(at);
  return sql`
    ${wanted(scope)},
    stale as materialized (
      select wanted.*, a.execution as seen, gen_random_uuid() as execution
      from wanted
        left join assignments a on a.device = wanted.device and a.app = wanted.app
        left join executions e on e.id = a.execution
      where a.device is null
        or e.state = 'TIMED_OUT' and ${scope !== 'everything' && 'device' in scope}
        or (a.channel, a.version, a.grants, a.config, a.limits, a.isolation, a.triggers, a.health) is distinct from
           (wanted.channel, wanted.version, wanted.grants, wanted.config, wanted.limits, wanted.isolation,
             wanted.triggers, wanted.health)
        or (a.secrets, a.recipient) is distinct from (wanted.secrets, wanted.recipient)
    ),
    lost as materialized (${lostFor(scope)}),
    locked as materialized (
      select id from devices
      where id in (select device from stale union select device from lost)
      order by id for no key update
    ),
    replaced as (
      update assignments a
      set channel = stale.channel, version = stale.version, execution = stale.execution, rollout = stale.rollout,
        grants = stale.grants, config = stale.config, limits = stale.limits, isolation = stale.isolation,
        triggers = stale.triggers, health = stale.health, secrets = stale.secrets, recipient = stale.recipient,
        sealed = case when (a.secrets, a.recipient) = (stale.secrets, stale.recipient) then a.sealed end
      from stale
      where a.device = stale.device and a.app = stale.app and a.execution = stale.seen
        and ${LOCKED(sql`stale.device`)}
      returning a.device, a.app, a.version, a.channel, a.execution, a.rollout
    ),
    added as (
      insert into assignments
        (device, app, channel, version, execution, grants, config, limits, isolation, triggers, health, secrets,
          recipient, rollout)
      select device, app, channel, version, execution, grants, config, limits, isolation, triggers, health,
        secrets, recipient, rollout
      from stale where seen is null and ${LOCKED(sql`device`)}
      on conflict do nothing
      returning device, app, version, channel, execution, rollout
    ),
    gone as (
      delete from assignments a using lost
      where a.device = lost.device and a.app = lost.app and a.execution = lost.execution
        and ${LOCKED(sql`lost.device`)}
      returning a.device, a.app, a.version
    ),
    placed as (select * from replaced union all select * from added),
    canceled as (
      update executions e set state = 'CANCELED', stage = null, updated = ${now}
      from (select device, app from placed union select device, app from gone) as over
      where e.device = over.device and e.app = over.app and e.state in ('QUEUED', 'IN_PROGRESS')
      returning e.device, e.app, e.version
    ),
    queued as (
      insert into executions (id, device, app, version, state, created, updated, rollout)
      select execution, device, app, version, 'QUEUED', ${now}, ${now}, rollout from placed
    ),
    told as (
      insert into device_events (device, at, kind, app, version, state, text)
      select device, ${now}, 'execution', app, version, 'CANCELED', app || ' ' || version || ': overtaken' from canceled
      union all
      select p.device, ${now}, 'desired', p.app, p.version, null,
        case when s.rank = 0 then 'its pin' else p.channel end || ' asks for ' || p.app || ' ' || p.version
      from placed p join stale s on s.device = p.device and s.app = p.app
      union all
      select device, ${now}, 'desired', app, version, null, 'no channel holds ' || app || ' any more' from gone
    ),
    bumped as (
      update devices d set desired_version = d.desired_version + 1
      from (select device from placed union select device from gone) as changed
      where d.id = changed.device
      returning d.id
    ),
    posted as (insert into outbox (device, created) select id, ${now} from bumped returning device),
    touched as (select device from posted)`;
}
