/**
 * The one statement that brings assignments in line with channels. For every device in scope it
 * works out which release of which app the device should run (the first of its channels that holds
 * the app decides), and where that is not what is assigned it writes the assignment, a new
 * execution, the end of the one before, the timeline, the device's next desired version and the
 * outbox row: all of it or nothing.
 *
 * A member of a rollout that holds (rollout_members) is given the rollout's targets in place of what
 * the channel holds, the newest rollout's first, as long as the channel is at the revision that the
 * rollout was made on. So the end of a rollout, a move by hand and a rollback need no list of devices:
 * what a device should run always follows from these tables.
 *
 * Races: a statement sees the tables as they were when it began. So an assignment is replaced only
 * while it is still the one that was seen (`seen`), devices are locked in the order of their ids
 * before anything of theirs is written, and whatever two statements missed of each other is put
 * right by the next alignment: after a move, at every hello, and by the sweep.
 */
import type { AppName, ChannelName, DeviceId } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import { instant } from '../db/values.ts';

/** Whom an alignment is about. */
export type Scope =
  | { readonly device: DeviceId }
  | { readonly app: AppName }
  /** The app as the channel holds it by the CTE `moved`, and only if that has a row. */
  | { readonly moved: AppName; readonly channel: ChannelName }
  /** The app with its secrets as the CTE `secret_changed` has them, and only if that has a row. */
  | { readonly secretsOf: AppName }
  /** The devices of the CTE `member_changed(rollout, device, holds)`, which stands before. */
  | { readonly membersChanged: true }
  | 'everything';

const inScope = (scope: Scope): SQL => {
  if (scope === 'everything') return sql`true`;
  if ('device' in scope) return sql`d.id = ${scope.device}`;
  if ('app' in scope) return sql`held.app = ${scope.app}`;
  if ('secretsOf' in scope)
    return sql`held.app = ${scope.secretsOf} and exists (select 1 from secret_changed)`;
  if ('membersChanged' in scope) return sql`d.id in (select device from member_changed)`;
  return sql`held.app = ${scope.moved} and ${scope.channel} = any(d.channels)`;
};

/** A move sees its own row, which the table does not show it yet. */
const heldBy = (scope: Scope): SQL =>
  scope !== 'everything' && 'moved' in scope
    ? sql`select * from moved union all
          select channel_apps.* from channel_apps, moved
          where channel_apps.app = moved.app and channel_apps.channel <> moved.channel`
    : sql`select * from channel_apps`;

/** A change of members sees its own rows. */
const holdersOf = (scope: Scope): SQL =>
  scope !== 'everything' && 'membersChanged' in scope
    ? sql`select m.rollout, m.device from rollout_members m
          where m.holds and not exists (select 1 from member_changed c
            where c.rollout = m.rollout and c.device = m.device)
          union all select rollout, device from member_changed where holds`
    : sql`select rollout, device from rollout_members where holds`;

/** What a channel holds, and what rollouts bring to their members on it. */
const OFFERS = sql`
  select channel, app, version, grants, config, limits, isolation, triggers, health,
    null::uuid as rollout, 0::bigint as number
  from channel_now
  union all
  select t.channel, t.app, t.version, t.grants, t.config, t.limits, t.isolation, t.triggers, t.health,
    t.rollout, r.number
  from rollout_targets t join rollouts r on r.id = t.rollout
    left join channel_now c on c.channel = t.channel and c.app = t.app
  where t.base_revision = coalesce(c.revision, 0)`;

/** A change of a secret sees its own row; one that is removed has no id. */
const secretValues = (scope: Scope): SQL =>
  scope !== 'everything' && 'secretsOf' in scope
    ? sql`select app, channel, name, id from app_secrets s
          where not exists (select 1 from secret_changed c
            where c.app = s.app and c.channel = s.channel and c.name = s.name)
          union all select app, channel, name, id from secret_changed where id is not null`
    : sql`select app, channel, name, id from app_secrets`;

/** name → id of each granted secret that is set; the channel's own value counts before that of all. */
const SECRETS = sql`
  select coalesce(jsonb_object_agg(name, id), '{}') from (
    select distinct on (s.name) s.name, s.id from secret_values s
    where s.app = h.app and s.channel in (h.channel, '*') and jsonb_exists(h.grants->'secrets', s.name)
    order by s.name, s.channel = '*'
  ) as granted`;

/** The key that a device's newest certificate is for. */
const RECIPIENT = sql`
  case when held.secrets <> '{}' then (
    select c.sealing_key from certificates c
    where c.device = d.id and c.revoked is null order by c.issued desc, c.serial limit 1) end`;

/** Only a device that is looked at whole can lose an app that none of its channels holds any more. */
const goneFor = (scope: Scope): SQL =>
  scope !== 'everything' && ('device' in scope || 'membersChanged' in scope)
    ? sql`delete from assignments a using devices d
          where a.device = d.id and ${'device' in scope ? sql`d.id = ${scope.device}` : sql`d.id in (select device from member_changed)`}
            and d.revoked is null
            and not exists (select 1 from wanted where wanted.device = a.device and wanted.app = a.app)
          returning a.device, a.app, a.version, a.channel`
    : sql`select device, app, version, channel from assignments where false`;

/**
 * CTEs, the last of which is `touched(device)`: the devices whose desired state changed. With the
 * scope of a move, a CTE `moved` of a whole channel_apps row must stand before them.
 */
export function alignment(scope: Scope, at: number): SQL {
  const now = instant(at);
  return sql`
    secret_values as (${secretValues(scope)}),
    channel_now as (${heldBy(scope)}),
    holders as (${holdersOf(scope)}),
    offers as (${OFFERS}),
    held as (select h.*, (${SECRETS}) as secrets from offers as h),
    wanted as (
      select distinct on (d.id, held.app) d.id as device, held.app, held.channel, held.version,
        held.grants, held.config, held.limits, held.isolation, held.triggers, held.health,
        held.secrets, held.rollout, ${RECIPIENT} as recipient
      from devices d
        cross join lateral unnest(d.channels) with ordinality as subscribed(channel, rank)
        join held on held.channel = subscribed.channel
        left join holders on holders.rollout = held.rollout and holders.device = d.id
      where d.revoked is null and (held.rollout is null or holders.device is not null) and ${inScope(scope)}
      order by d.id, held.app, subscribed.rank, held.number desc
    ),
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
    gone as (${goneFor(scope)}),
    locked as materialized (
      select id from devices
      where id in (select device from stale union select device from gone)
      order by id for no key update
    ),
    replaced as (
      update assignments a
      set channel = stale.channel, version = stale.version, execution = stale.execution, rollout = stale.rollout, grants = stale.grants,
        config = stale.config, limits = stale.limits, isolation = stale.isolation,
          triggers = stale.triggers, health = stale.health,
        secrets = stale.secrets, recipient = stale.recipient,
        sealed = case when (a.secrets, a.recipient) = (stale.secrets, stale.recipient) then a.sealed end
      from stale join locked on locked.id = stale.device
      where a.device = stale.device and a.app = stale.app and a.execution = stale.seen
      returning a.device, a.app, a.version, a.channel, a.execution, a.rollout
    ),
    added as (
      insert into assignments
        (device, app, channel, version, execution, grants, config, limits, isolation, triggers, health, secrets,
          recipient, rollout)
      select stale.device, stale.app, stale.channel, stale.version, stale.execution,
        stale.grants, stale.config, stale.limits, stale.isolation, stale.triggers, stale.health,
          stale.secrets, stale.recipient, stale.rollout
      from stale join locked on locked.id = stale.device
      where stale.seen is null
      on conflict do nothing
      returning device, app, version, channel, execution, rollout
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
      select device, ${now}, 'desired', app, version, null, channel || ' asks for ' || app || ' ' || version from placed
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
