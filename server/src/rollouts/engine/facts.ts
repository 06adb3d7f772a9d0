/** What a draft has to know, read once: every device of the channel, and what it has to do with the targets. */
import {
  SELF_TEST_SUBJECT,
  type AppName,
  type CreateRollout,
  type DeviceId,
  type Digest,
  type Policy,
  type SelfTest,
  type Version,
} from '@wafer/protocol';
import { zoneOf } from '@wafer/protocol/window';
import { sql, type SQL } from 'drizzle-orm';
import type { Deps } from '../../deps.ts';
import { isoInstant, jsonb, textArray } from '../../db/values.ts';
import { membership } from '../../groups/index.ts';
import type { AppFacts, DeviceFacts, Target } from '../plan/verdict.ts';

type Db = Deps['db'];

export interface KnownDevice extends DeviceFacts {
  readonly id: DeviceId;
  readonly name: string;
  readonly architecture: string;
  /** Whether it is in each of the groups that were asked about. */
  readonly groups: readonly boolean[];
  readonly tags: Readonly<Record<string, string>>;
}

type Needs = Pick<Deps, 'db' | 'clock'>;

const among = async (
  deps: Needs,
  { channel, among: chosen }: Pick<CreateRollout, 'channel' | 'among'>,
): Promise<SQL> => sql`
  d.revoked is null and ${channel} = any(d.channels)
  and ${chosen?.devices === undefined ? sql`true` : sql`d.id = any(${textArray(chosen.devices)})`}
  and ${chosen?.group === undefined ? sql`true` : await membership(deps, chosen.group)}
  and ${chosen?.tags === undefined ? sql`true` : sql`d.tags @> ${jsonb(chosen.tags)}`}`;

interface DeviceRow extends Record<string, unknown> {
  readonly id: DeviceId;
  readonly name: string;
  readonly arch: string;
  readonly groups: boolean[];
  readonly tags: Record<string, string>;
  readonly online: boolean;
  readonly last_seen: string | null;
  readonly zone: string | null;
  readonly policy: Policy | null;
  readonly rests: string | null;
  readonly self_test: SelfTest | null;
}

/**
 * Who is in which of the groups now; that is not asked again. Ordered by bytes, as `assignWaves` asks for,
 * whatever the database's collation is. Throws group.not-found.
 */
export async function readDevices(
  deps: Needs,
  spec: Pick<CreateRollout, 'channel' | 'among'>,
  groups: readonly string[],
): Promise<KnownDevice[]> {
  const fits = await Promise.all(
    groups.map(async (group) => sql`(${await membership(deps, group)}) is true`),
  );
  const rows = await deps.db.execute<DeviceRow>(sql`
    select d.id, d.name, d.arch, to_jsonb(array[${sql.join(fits, sql`, `)}]::boolean[]) as groups, d.tags, d.online, d.last_seen,
      d.inventory->>'timeZone' as zone, d.inventory->'policy' as policy, r.until as rests,
      case when d.self_test->'passed' = 'false' then d.self_test end as self_test
    from devices d left join device_rests r on r.device = d.id
    where ${await among(deps, spec)} order by d.id collate "C"`);
  const zones = new Map<string | null, string>();
  const known = (zone: string | null): string => {
    const name = zones.get(zone) ?? zoneOf(zone);
    zones.set(zone, name);
    return name;
  };
  return rows.map(
    ({
      id,
      name,
      arch,
      groups: isIn,
      tags,
      online,
      last_seen: seen,
      zone,
      policy,
      rests,
      self_test: failed,
    }) => ({
      id,
      name,
      architecture: arch,
      groups: isIn,
      tags,
      online,
      lastSeen: seen === null ? null : isoInstant(seen),
      timeZone: known(zone),
      policy: policy ?? {},
      restsUntil: rests === null ? null : isoInstant(rests),
      failedTest: failed,
    }),
  );
}

type Refusal = NonNullable<AppFacts['refusal']>;

/** What every device has to do with one of the targets; `of` gives nothing for a device that has nothing. */
export async function readAppFacts(
  db: Db,
  { app, version }: { app: AppName; version: Version },
): Promise<(device: DeviceId) => AppFacts> {
  const [running, pinned, refused] = await Promise.all([
    db.execute<{ device: DeviceId; digest: Digest }>(
      sql`select device, digest from device_apps where app = ${app}`,
    ),
    db.execute<{ device: DeviceId; version: Version }>(
      sql`select device, version from pins where app = ${app}`,
    ),
    db.execute<{ device: DeviceId; fault: { kind: string; subject?: string; message: string } }>(sql`
      select device, fault from (
        select distinct on (device) device, fault from executions
        where app = ${app} and version = ${version} and fault is not null
        order by device, created desc
      ) as last where fault->>'kind' in ('incompatible', 'capability-denied')
        -- That was the board's, and what it says of itself now counts.
        and not starts_with(coalesce(fault->>'subject', ''), ${SELF_TEST_SUBJECT})`),
  ]);
  const runs = new Map(running.map(({ device, digest }) => [device, digest]));
  const pins = new Map(pinned.map((pin) => [pin.device, pin.version]));
  const refusals = new Map(
    refused.map(({ device, fault }): [DeviceId, Refusal] => [
      device,
      { kind: fault.kind as Refusal['kind'], subject: fault.subject ?? fault.message },
    ]),
  );
  return (device) => ({
    running: runs.get(device),
    pinned: pins.get(device),
    refusal: refusals.get(device),
  });
}

/** Bytes of a component's chunks as they travel. */
export async function readBytes(db: Db, digest: Digest): Promise<number> {
  const [row] = await db.execute<{ bytes: number }>(
    sql`select coalesce(sum(length(bytes)), 0)::integer as bytes from blob_chunks where digest = ${digest}`,
  );
  return row?.bytes ?? 0;
}

/** Without any update on record. */
const USUAL_SECONDS = 30;

/** Median of the last updates of these apps that succeeded, in seconds. */
export async function readUpdateSeconds(db: Db, targets: readonly Pick<Target, 'app'>[]): Promise<number> {
  const [row] = await db.execute<{ seconds: number | null }>(sql`
    select percentile_cont(0.5) within group (order by extract(epoch from updated - created))::float8 as seconds
    from (
      select updated, created from executions
      where app = any(${textArray(targets.map(({ app }) => app))}) and state = 'SUCCEEDED'
      order by created desc limit 200
    ) as last`);
  return Math.max(1, row?.seconds ?? USUAL_SECONDS);
}
