/**
 * What devices should run, as CTEs that only read; align.ts writes what follows from it.
 *
 * For an app on a device count, in this order: a pin of the device; then, of the first of its channels that
 * has something, the newest rollout that the device holds (as long as the channel is at the revision that
 * the rollout was made on), and what the channel holds. So the end of a rollout, a move by hand, a rollback
 * and the end of a pin need no list of devices: what a device should run always follows from these tables.
 *
 * A statement does not see its own writes in the tables. A change therefore stands as a CTE before these,
 * and its scope says which table it replaces rows of.
 */
import type { AppName, ChannelName, DeviceId } from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';

/** Whom an alignment is about. */
export type Scope =
  | { readonly device: DeviceId }
  | { readonly app: AppName }
  /** The app as the channel holds it by the CTE `moved`, and only if that has a row. */
  | { readonly moved: AppName; readonly channel: ChannelName }
  /** The app with its secrets as the CTE `secret_changed` has them, and only if that has a row. */
  | { readonly secretsOf: AppName }
  /** The devices of the CTE `member_changed(rollout, device, holds)`. */
  | { readonly changed: 'members' }
  /** The devices of the CTE `pin_changed`, a row of pins and `holds`: false for one that was taken away. */
  | { readonly changed: 'pins' }
  | 'everything';

const has = <Key extends string>(scope: Scope, key: Key): scope is Extract<Scope, Record<Key, unknown>> =>
  scope !== 'everything' && key in scope;
const isChanged = (scope: Scope, what: 'members' | 'pins'): boolean =>
  has(scope, 'changed') && scope.changed === what;

/** Devices that are looked at whole; undefined when only some of their apps are. */
export function wholeDevices(scope: Scope): SQL | undefined {
  if (has(scope, 'device')) return sql`d.id = ${scope.device}`;
  if (isChanged(scope, 'members')) return sql`d.id in (select device from member_changed)`;
  if (isChanged(scope, 'pins')) return sql`d.id in (select device from pin_changed)`;
  return undefined;
}

const inScope = (scope: Scope): SQL => {
  const whole = wholeDevices(scope);
  if (whole !== undefined) return whole;
  if (has(scope, 'app')) return sql`held.app = ${scope.app}`;
  if (has(scope, 'secretsOf'))
    return sql`held.app = ${scope.secretsOf} and exists (select 1 from secret_changed)`;
  if (has(scope, 'moved')) return sql`held.app = ${scope.moved} and ${scope.channel} = any(d.channels)`;
  return sql`true`;
};

const channelsNow = (scope: Scope): SQL =>
  has(scope, 'moved')
    ? sql`select * from moved union all
          select channel_apps.* from channel_apps, moved
          where channel_apps.app = moved.app and channel_apps.channel <> moved.channel`
    : sql`select * from channel_apps`;

/** Of devices that are looked at whole, only theirs: there may be a hundred thousand others. */
function holdersNow(scope: Scope): SQL {
  if (isChanged(scope, 'members'))
    return sql`select m.rollout, m.device from rollout_members m
          where m.holds and m.device in (select device from member_changed)
            and (m.rollout, m.device) not in (select rollout, device from member_changed)
          union all select rollout, device from member_changed where holds`;
  const whose = wholeDevices(scope);
  return whose === undefined
    ? sql`select rollout, device from rollout_members where holds`
    : sql`select m.rollout, m.device from rollout_members m join devices d on d.id = m.device
          where m.holds and ${whose}`;
}

const PIN = sql`device, channel, app, version, grants, config, limits, isolation, triggers, health`;

const pinsNow = (scope: Scope): SQL =>
  isChanged(scope, 'pins')
    ? sql`select ${PIN} from pins where (device, app) not in (select device, app from pin_changed)
          union all select ${PIN} from pin_changed where holds`
    : sql`select ${PIN} from pins`;

/** One that is removed has no id. */
const secretValues = (scope: Scope): SQL =>
  has(scope, 'secretsOf')
    ? sql`select app, channel, name, id from app_secrets s
          where not exists (select 1 from secret_changed c
            where c.app = s.app and c.channel = s.channel and c.name = s.name)
          union all select app, channel, name, id from secret_changed where id is not null`
    : sql`select app, channel, name, id from app_secrets`;

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
  where t.base_revision = coalesce(c.revision, 0)
    and (t.rollout in (select rollout from holders)) is true`;

/** name → id of each granted secret that is set; the channel's own value counts before that of all. */
const SECRETS = sql`(
  select coalesce(jsonb_object_agg(name, id), '{}') from (
    select distinct on (s.name) s.name, s.id from secret_values s
    where s.app = h.app and s.channel in (h.channel, '*') and jsonb_exists(h.grants->'secrets', s.name)
    order by s.name, s.channel = '*'
  ) as granted)`;

/** The key that a device's newest certificate is for. */
const RECIPIENT = sql`
  case when held.secrets <> '{}' then (
    select c.sealing_key from certificates c
    where c.device = d.id and c.revoked is null order by c.issued desc, c.serial limit 1) end`;

const HELD = sql`held.app, held.channel, held.version, held.grants, held.config, held.limits, held.isolation,
  held.triggers, held.health, held.secrets`;

/**
 * CTEs, the last of which is `wanted`: one row a device and app. What a channel holds and a rollout brings
 * is few rows for many devices, so that is worked out first and once.
 */
export const wanted = (scope: Scope): SQL => sql`
  secret_values as (${secretValues(scope)}),
  channel_now as (${channelsNow(scope)}),
  holders as materialized (${holdersNow(scope)}),
  held as materialized (select h.*, ${SECRETS} as secrets from (${OFFERS}) as h),
  pinned as materialized (select h.*, ${SECRETS} as secrets from (${pinsNow(scope)}) as h),
  wanted as materialized (
    select distinct on (device, app) * from (
      select d.id as device, ${HELD}, held.rollout, ${RECIPIENT} as recipient, subscribed.rank, held.number
      from devices d
        cross join lateral unnest(d.channels) with ordinality as subscribed(channel, rank)
        join held on held.channel = subscribed.channel
      where d.revoked is null and ${inScope(scope)}
        and (held.rollout is null or ((held.rollout, d.id) in (select rollout, device from holders)) is true)
      union all
      select d.id, ${HELD}, null, ${RECIPIENT}, 0, 0
      from pinned as held join devices d on d.id = held.device
      where d.revoked is null and ${inScope(scope)}
    ) as offered
    order by device, app, rank, number desc
  )`;
