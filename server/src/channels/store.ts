/** SQL of this context: the move of a channel is one statement. */
import type { Approved, AppName, ChannelName, ChannelView } from '@wafer/protocol';
import { and, eq, sql } from 'drizzle-orm';
import { auditRow, type AuditActor } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { instant, jsonb } from '../db/values.ts';
import { alignment, untilNoDeadlock } from '../rollouts/index.ts';
import type { ChannelApp } from './plan.ts';
import { channelApps } from './tables.ts';

export async function readChannelApp(
  db: Deps['db'],
  channel: ChannelName,
  app: AppName,
): Promise<ChannelApp | undefined> {
  const [row] = await db
    .select()
    .from(channelApps)
    .where(and(eq(channelApps.channel, channel), eq(channelApps.app, app)));
  return row;
}

export interface Move {
  readonly channel: ChannelName;
  readonly app: AppName;
  /** What was read; undefined when the channel did not hold the app. */
  readonly held: ChannelApp | undefined;
  readonly approved: Approved;
  readonly actor: AuditActor;
}

const audited = ({ held, approved, actor, channel, app }: Move, at: number) =>
  auditRow(
    {
      actor,
      at,
      action: 'channel.moved',
      subject: `channel:${channel}/${app}`,
      before: held && { version: held.version, grants: held.grants, revision: held.revision },
      after: { version: approved.version, grants: approved.grants },
    },
    sql`moved`,
  );

/**
 * Channel, assignments, executions, timeline, desired versions, outbox and audit in one statement
 * that names the revision that was read. Undefined when that is not the revision any more.
 */
export async function storeMove(
  deps: Pick<Deps, 'db' | 'clock'>,
  move: Move,
): Promise<{ revision: number; devices: number } | undefined> {
  const at = deps.clock.now();
  const { channel, app, approved } = move;
  const [row] = await untilNoDeadlock(() =>
    deps.db.execute<{ revision: number; devices: number }>(sql`
      with moved as (
        insert into channel_apps as ca
          (channel, app, version, grants, config, limits, isolation, triggers, health, since, revision)
        values (${channel}, ${app}, ${approved.version}, ${jsonb(approved.grants)}, ${jsonb(approved.config)},
          ${jsonb(approved.limits)}, ${approved.isolation}, ${jsonb(approved.triggers)}, ${jsonb(approved.health)},
          ${instant(at)}, 1)
        on conflict (channel, app) do update
        set version = excluded.version, grants = excluded.grants, config = excluded.config,
          limits = excluded.limits, isolation = excluded.isolation, triggers = excluded.triggers, health = excluded.health,
          since = excluded.since, revision = ca.revision + 1
        where ca.revision = ${move.held?.revision ?? 0}
        returning ca.*
      ),
      ${alignment({ moved: app, channel }, at)},
      audited as (${audited(move, at)})
      select revision, (select count(*)::integer from touched) as devices from moved`),
  );
  return row;
}

/** Channels that hold an app or that a device subscribes to. */
export async function listChannels(db: Deps['db']): Promise<ChannelView[]> {
  const rows = await db.execute<ChannelView & Record<string, unknown>>(sql`
    with subscribers as (
      select channel, count(*)::integer as devices
      from devices cross join lateral (select distinct unnest(channels) as channel) as each
      where revoked is null group by channel
    ), held as (
      select channel, jsonb_agg(jsonb_build_object('app', app, 'version', version,
        'since', to_char(since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by app) as apps
      from channel_apps group by channel
    )
    select channel as name, coalesce(apps, '[]') as apps, coalesce(devices, 0) as devices
    from subscribers full join held using (channel) order by channel`);
  return [...rows];
}
