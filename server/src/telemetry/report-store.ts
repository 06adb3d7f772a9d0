/**
 * Reports into Postgres, many devices' at once, as one statement: either a report is there with all
 * that follows from it, or nothing of it is.
 *
 * The primary key (device, number) decides what is new. Only what is new moves an execution (never
 * out of a terminal state, never another device's), replaces what the device runs, and is told in
 * the timeline. Of several reports about one execution the first terminal one moves it, or else the last; of
 * several lists of apps the last counts; each is told as if it had come alone. TIMED_OUT is only this server's guess about a silent device, so how it really ended
 * may still replace it. A report about an execution that is not this device's is kept and acknowledged, so
 * that the device's outbox goes on, but changes nothing and leaves an audit event.
 */
import { TERMINAL_STATES, type DeviceId } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { instant, jsonb, textArray } from '../db/values.ts';
import { describeEvent, plausibleInstant, type Pending } from './report.ts';

/** Reports further ahead than this of the last acknowledged one are not stored: something is wrong. */
const WINDOW = 10_000;

const TERMINAL = textArray([...TERMINAL_STATES]);

export interface Acknowledged {
  readonly device: DeviceId;
  /** All reports up to this number are in Postgres. */
  readonly number: number;
  /** Whether anything of the device was new. */
  readonly isNew: boolean;
}

function row({ device, report: { number, event } }: Pending, ordinal: number, now: number) {
  const { kind } = event;
  return {
    ordinal,
    device,
    number,
    event,
    kind,
    at: plausibleInstant(event.at, now),
    text: describeEvent(event),
    ...(kind !== 'apps' && {
      app: event.app,
      version: event.version,
      fault: event.fault,
    }),
    ...(kind === 'execution' && {
      execution: event.execution,
      state: event.state,
      stage: event.stage,
      swap: event.swap,
      running_version: event.runningVersion,
    }),
  };
}

/** `batch` comes from `takeBatch`. A device that is not known gets no row back. */
export async function storeReports(
  db: PostgresJsDatabase,
  batch: readonly Pending[],
  nowMs: number,
): Promise<Acknowledged[]> {
  const now = instant(nowMs);
  const rows = batch.map((pending, index) => row(pending, index, nowMs));
  const stored = await db.execute<{ device: DeviceId; number: string; is_new: boolean }>(sql`
    with input as materialized (
      select i.*, d.acked_report
      from jsonb_to_recordset(${jsonb(rows)}) as i(
        ordinal int, device text, number bigint, event jsonb, kind text, at timestamptz, text text,
        app text, version text, fault jsonb,
        execution uuid, state text, stage text, swap jsonb, running_version text)
      join devices d on d.id = i.device
    ), inserted as (
      insert into reports (device, number, event, received)
      select device, number, event, ${now} from input
      where number > acked_report and number <= acked_report + ${WINDOW}::bigint
      on conflict do nothing
      returning device, number
    ), fresh as (
      select input.* from input join inserted using (device, number)
    ), steps as (
      select f.*, x.id as known,
        coalesce(lag(f.state) over (partition by x.id order by f.number), x.state) as old_state,
        f.state = any(${TERMINAL}) as is_end
      from fresh f left join executions x
        on x.id = f.execution and x.device = f.device and x.app = f.app and x.version = f.version
      where f.kind = 'execution'
    ), decisive as (
      select distinct on (known) * from steps where known is not null
      order by known, is_end desc, case when is_end then number else -number end
    ), moved as (
      update executions x
      set state = s.state, stage = s.stage, updated = ${now},
          fault = coalesce(s.fault, (select e.fault from steps e where e.known = s.known and e.number < s.number
            and e.fault is not null order by e.number desc limit 1), x.fault),
          swap = coalesce(s.swap, x.swap),
          running_version = coalesce(s.running_version, x.running_version)
      from decisive s
      where x.id = s.known
        and (x.state <> all(${TERMINAL}) or x.state = 'TIMED_OUT' and s.state = any(${TERMINAL}))
    ), refused as (
      insert into audit_events (at, actor, action, subject, after)
      select ${now}, 'device:' || device, 'report.refused', device,
             jsonb_build_object('code', 'request.invalid', 'number', number, 'execution', execution,
                                'app', app, 'version', version)
      from steps where known is null
    ), lists as (
      select distinct on (f.device) f.* from fresh f
      where f.kind = 'apps' and not exists (
        select 1 from reports r
        where r.device = f.device and r.number > f.number and r.event ->> 'kind' = 'apps')
      order by f.device, f.number desc
    ), listed as (
      select distinct on (l.device, a.app) l.device, a.*
      from lists l cross join lateral jsonb_to_recordset(l.event -> 'apps')
        as a(app text, version text, digest text, state text)
      order by l.device, a.app
    ), gone as (
      delete from device_apps o using lists l
      where o.device = l.device
        and not exists (select 1 from listed n where n.device = o.device and n.app = o.app)
    ), replaced as (
      insert into device_apps (device, app, version, digest, state, at)
      select device, app, version, digest, state, ${now} from listed
      on conflict (device, app) do update
      set version = excluded.version, digest = excluded.digest, state = excluded.state, at = excluded.at
    ), lines as (
      select ordinal, device, at, kind, app, version, state, fault, text
      from steps where known is not null and (state <> old_state or fault is not null)
      union all
      select ordinal, device, at, kind, app, version, null, fault, text from fresh where kind = 'fault'
      union all
      select ordinal, device, at, kind, null, null, null, null, text from lists l
      where (select string_agg(concat_ws(' ', app, version, state), ',' order by app)
             from listed n where n.device = l.device)
        is distinct from
            (select string_agg(concat_ws(' ', app, version, state), ',' order by app)
             from device_apps o where o.device = l.device)
    ), told as (
      insert into device_events (device, at, kind, app, version, state, fault, text)
      select device, at, kind, app, version, state, fault, text from lines order by ordinal
    ), asked as (
      select distinct device, acked_report from input
    ), present as (
      select r.device, r.number from reports r join asked a on a.device = r.device
      where r.number > a.acked_report
      union select device, number from inserted
    ), runs as (
      select device, number, number - row_number() over (partition by device order by number) as run
      from present
    ), reached as (
      select a.device, max(r.number) as number
      from asked a left join runs r on r.device = a.device and r.run = a.acked_report
      group by a.device
    ), stored as (
      update devices d
      set acked_report = greatest(d.acked_report, r.number), last_seen = greatest(d.last_seen, ${now})
      from reached r where d.id = r.device
      returning d.id, d.acked_report
    )
    select id as device, acked_report as number,
           exists (select 1 from inserted i where i.device = stored.id) as is_new
    from stored`);
  return stored.map(({ device, number, is_new: isNew }) => ({ device, number: Number(number), isNew }));
}
