/** Who is in a group: its condition on a row `d` of `devices`, and what is read with it. */
import {
  describeMistake,
  parseQuery,
  WaferError,
  type DeviceId,
  type GroupMember,
  type GroupPreview,
  type Query,
} from '@wafer/protocol';
import { eq, inArray, and, sql, type SQL } from 'drizzle-orm';
import type { Deps } from '../deps.ts';
import { onlyRow } from '../db/failures.ts';
import { isoInstant, textArray } from '../db/values.ts';
import { conditionOf, groupsIn } from './query.ts';
import { groups } from './tables.ts';

export type GroupRow = typeof groups.$inferSelect;

const SHOWN = 20;

const parse = (text: string): Query => {
  const parsed = parseQuery(text);
  if (parsed.query === undefined)
    throw new WaferError('group.query-invalid', describeMistake(parsed.mistake));
  return parsed.query;
};

/** Throws group.query-invalid: it cannot be read, or asks for a group that is itself a query. */
export async function readQuery(db: Deps['db'], text: string): Promise<Query> {
  const query = parse(text);
  const named = groupsIn(query);
  if (named.length === 0) return query;
  const [dynamic] = await db
    .select({ name: groups.name })
    .from(groups)
    .where(and(inArray(groups.name, named), eq(groups.kind, 'dynamic')));
  if (dynamic === undefined) return query;
  throw new WaferError(
    'group.query-invalid',
    `${dynamic.name} is a dynamic group, and a query can name static ones only: write what ${dynamic.name} asks for.`,
  );
}

/** Revoked devices are in no group. */
const belongs = (condition: SQL): SQL => sql`d.revoked is null and ${condition}`;

export const conditionOfGroup = (
  { name, kind, query }: Pick<GroupRow, 'name' | 'kind' | 'query'>,
  now: number,
) => (kind === 'static' ? sql`d.group_name = ${name}` : conditionOf(parse(query ?? ''), now));

export async function findGroup(db: Deps['db'], name: string): Promise<GroupRow> {
  const [row] = await db.select().from(groups).where(eq(groups.name, name));
  if (row === undefined) throw new WaferError('group.not-found', `There is no group ${name}.`);
  return row;
}

/**
 * Which devices are in the group now, as a condition on a row `d` of `devices` that is never wrong for
 * revoked ones. Throws group.not-found.
 */
export async function membership({ db, clock }: Pick<Deps, 'db' | 'clock'>, name: string): Promise<SQL> {
  return sql`(${belongs(conditionOfGroup(await findGroup(db, name), clock.now()))})`;
}

interface MemberRow {
  readonly [column: string]: unknown;
  readonly id: DeviceId;
  readonly name: string;
  readonly arch: string;
  readonly online: boolean;
  readonly last_seen: string | null;
}

const memberOf = ({ id, name, arch, online, last_seen: seen }: MemberRow): GroupMember => ({
  id,
  name,
  arch,
  online,
  lastSeen: seen === null ? null : isoInstant(seen),
});

const MEMBER = sql`d.id, d.name, d.arch, d.online, d.last_seen`;

/** By id. */
export async function readMembers(
  db: Deps['db'],
  condition: SQL,
  { after, limit }: { after: DeviceId | undefined; limit: number },
): Promise<GroupMember[]> {
  const behind = after === undefined ? sql`true` : sql`d.id > ${after}`;
  const rows = await db.execute<MemberRow>(sql`
    select ${MEMBER} from devices d where ${behind} and ${belongs(condition)} order by d.id limit ${limit}`);
  return rows.map(memberOf);
}

/** How many, of which architecture, and the first of them: asked once, and so of one instant. */
export async function previewOf(db: Deps['db'], condition: SQL): Promise<GroupPreview> {
  const rows = await db.execute<{ architectures: Record<string, number>; first: MemberRow[] }>(sql`
    with found as materialized (select d.id, d.arch from devices d where ${belongs(condition)}),
    shown as (
      select ${MEMBER} from devices d
      where d.id = any(array(select id from found order by id limit ${SHOWN}))
    )
    select
      (select coalesce(jsonb_object_agg(arch, count), '{}')
        from (select arch, count(*) from found group by arch) as each) as architectures,
      (select coalesce(jsonb_agg(shown order by id), '[]') from shown) as first`);
  const { architectures, first } = onlyRow(rows);
  const devices = Object.values(architectures).reduce((sum, count) => sum + count, 0);
  return { devices, architectures, first: first.map(memberOf) };
}

/** How many devices are in each; one statement. */
export async function countMembers(
  db: Deps['db'],
  rows: readonly GroupRow[],
  now: number,
): Promise<number[]> {
  if (rows.length === 0) return [];
  const counts = rows.map(
    (row) => sql`(select count(*) from devices d where ${belongs(conditionOfGroup(row, now))})`,
  );
  const found = await db.execute<{ counts: number[] }>(
    sql`select to_jsonb(array[${sql.join(counts, sql`, `)}]) as counts`,
  );
  return onlyRow(found).counts;
}

/** Those that the device is in. */
export async function groupsOfDevice(
  db: Deps['db'],
  rows: readonly GroupRow[],
  { device, now }: { device: DeviceId; now: number },
): Promise<GroupRow[]> {
  if (rows.length === 0) return [];
  const asked = rows.map((row) => sql`(${conditionOfGroup(row, now)}) is true`);
  const [found] = await db.execute<{ fits: boolean[] }>(sql`
    select to_jsonb(array[${sql.join(asked, sql`, `)}]) as fits from devices d
    where ${belongs(sql`d.id = ${device}`)}`);
  return rows.filter((_, index) => found?.fits[index] === true);
}

/** Those of `ids` that are no devices of this fleet. */
export const unknownAmong = (ids: readonly DeviceId[]): SQL => sql`
  select asked.id from unnest(${textArray(ids)}) as asked(id)
  where not exists (select 1 from devices d where d.id = asked.id and d.revoked is null)`;
