/** The statements of groups: each is one, with its audit event, and says what stood in its way. */
import {
  printQuery,
  WaferError,
  type ChangedMembers,
  type ChangeMembers,
  type CreateGroup,
  type DeviceId,
  type UpdateGroup,
} from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import { auditRow, type AuditActor } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { onlyRow } from '../db/failures.ts';
import { instant, textArray } from '../db/values.ts';
import { readQuery, unknownAmong } from './members.ts';

type Needs = Pick<Deps, 'db' | 'clock'>;

/** Of one group, by whoever asks, on the revision that was seen if one was. */
export interface Change {
  readonly name: string;
  readonly actor: AuditActor;
  readonly ifMatch: number | undefined;
}

const subject = (name: string): string => `group:${name}`;
const said = (of: SQL): SQL =>
  sql`jsonb_build_object('kind', ${of}.kind, 'query', ${of}.query, 'description', ${of}.description)`;

/** `isRight` of the row that the name has now, locked; null of what is not asked. */
const target = ({ name, ifMatch }: Change): SQL => sql`
  there as (select * from groups where name = ${name} for update),
  before as (select * from there where ${ifMatch ?? null}::integer is null or revision = ${ifMatch ?? null}::integer)`;

interface Outcome {
  readonly [column: string]: unknown;
  readonly kind: 'static' | 'dynamic' | null;
  readonly revision: number | null;
  readonly done: boolean;
}

/** Throws group.not-found or request.precondition-failed when that is why nothing was done. */
function mustFit({ name, ifMatch }: Change, { kind, revision }: Outcome): void {
  if (kind === null) throw new WaferError('group.not-found', `There is no group ${name}.`);
  if (ifMatch !== undefined && ifMatch !== revision)
    throw new WaferError(
      'request.precondition-failed',
      `The group is at revision ${revision}, not ${ifMatch}. Look at it again.`,
    );
}

const outcome = (done: SQL): SQL =>
  sql`(select kind from there) as kind, (select revision from there) as revision, exists (${done}) as done`;

/** Throws group.exists, group.query-invalid. */
export async function createGroup({ db, clock }: Needs, made: CreateGroup, actor: AuditActor): Promise<void> {
  const query = made.kind === 'dynamic' ? printQuery(await readQuery(db, made.query)) : null;
  const at = clock.now();
  const event = { actor, at, action: 'group.created', subject: subject(made.name), after: said(sql`made`) };
  const rows = await db.execute(sql`
    with made as (
      insert into groups (name, kind, query, description, created, created_by, updated, revision)
      values (${made.name}, ${made.kind}, ${query}, ${made.description}, ${instant(at)}, ${actor.audit}, ${instant(at)}, 1)
      on conflict do nothing
      returning name, kind, query, description
    ), audited as (${auditRow(event, sql`made`)})
    select name from made`);
  if (rows.length === 0)
    throw new WaferError(
      'group.exists',
      `There is a group ${made.name}; static and dynamic ones share their names.`,
    );
}

/**
 * CTEs that make a static group of each `group_name` in the rows of `from` which no group has.
 * Another statement may refer to `groups_made(name)`.
 */
export function makeMissing(from: SQL, actor: AuditActor, at: number): SQL {
  const event = {
    actor,
    at,
    action: 'group.created',
    subject: sql`${'group:'}::text || groups_made.name`,
    after: { kind: 'static' },
  };
  return sql`
    groups_made as (
      insert into groups (name, kind, description, created, created_by, updated, revision)
      select distinct group_name, 'static', '', ${instant(at)}, ${actor.audit}::text, ${instant(at)}, 1
      from ${from} where group_name is not null
      on conflict do nothing
      returning name
    ), groups_audited as (${auditRow(event, sql`groups_made`)})`;
}

/** Throws group.not-found, group.kind, group.query-invalid, request.precondition-failed. */
export async function updateGroup(
  { db, clock }: Needs,
  change: Change,
  { query: typed, description }: UpdateGroup,
): Promise<void> {
  const query = typed === undefined ? null : printQuery(await readQuery(db, typed));
  const at = clock.now();
  const rows = await db.execute<Outcome>(sql`
    with ${target(change)},
    changed as (
      update groups g
      set query = coalesce(${query}::text, g.query), description = coalesce(${description ?? null}::text, g.description),
        updated = ${instant(at)}, revision = g.revision + 1
      from before where g.name = before.name and (${query}::text is null or before.kind = 'dynamic')
      returning g.name, g.kind, g.query, g.description
    ),
    audited as (${auditRow(
      {
        actor: change.actor,
        at,
        action: 'group.changed',
        subject: subject(change.name),
        before: said(sql`before`),
        after: said(sql`changed`),
      },
      sql`changed join before on before.name = changed.name`,
    )})
    select ${outcome(sql`select 1 from changed`)}`);
  const found = onlyRow(rows);
  mustFit(change, found);
  if (!found.done)
    throw new WaferError(
      'group.kind',
      `${change.name} is a static group, a list of devices. A query needs a dynamic group of its own.`,
    );
}

interface Gone extends Outcome {
  readonly named: string | null;
}

/**
 * Its devices stay, in no static group. `naming` gives the rows (number, name) of open rollouts that name
 * it. Throws group.not-found, group.in-use, request.precondition-failed.
 */
export async function deleteGroup({ db, clock }: Needs, change: Change, naming: SQL): Promise<void> {
  const at = clock.now();
  const event = {
    actor: change.actor,
    at,
    action: 'group.deleted',
    subject: subject(change.name),
    before: said(sql`gone`),
  };
  const rows = await db.execute<Gone>(sql`
    with ${target(change)},
    naming as (${naming}),
    gone as (
      delete from groups g using before
      where g.name = before.name and not exists (select 1 from naming)
      returning g.name, g.kind, g.query, g.description
    ),
    locked as materialized (
      select id from devices where group_name in (select name from gone) order by id for no key update
    ),
    freed as (update devices d set group_name = null from locked where d.id = locked.id),
    audited as (${auditRow(event, sql`gone`)})
    select ${outcome(sql`select 1 from gone`)},
      (select string_agg('rollout ' || number || ' (' || name || ')', ', ' order by number) from naming) as named`);
  const found = onlyRow(rows);
  mustFit(change, found);
  if (!found.done)
    throw new WaferError(
      'group.in-use',
      `${change.name} is named by ${found.named ?? 'a rollout'}: abort it or wait for its end.`,
    );
}

interface Moved extends Outcome, ChangedMembers {
  readonly unknown: DeviceId[];
  readonly changed: DeviceId[];
}

/**
 * All of it or nothing. Gives whom it changed. Throws group.not-found, group.kind, device.not-found,
 * request.precondition-failed.
 */
export async function changeMembers(
  { db, clock }: Needs,
  change: Change,
  { add, remove }: ChangeMembers,
): Promise<ChangedMembers & { devices: readonly DeviceId[] }> {
  const at = clock.now();
  const { name } = change;
  const after = sql`jsonb_build_object(
    'added', (select coalesce(jsonb_agg(id), '[]') from moved where group_name is not null),
    'removed', (select coalesce(jsonb_agg(id), '[]') from moved where group_name is null))`;
  const rows = await db.execute<Moved>(sql`
    with ${target(change)},
    unknown as (${unknownAmong([...add, ...remove])}),
    locked as materialized (
      select d.id, d.id = any(${textArray(add)}) as added from devices d, before
      where before.kind = 'static' and not exists (select 1 from unknown) and d.revoked is null
        and (d.id = any(${textArray(add)}) and d.group_name is distinct from ${name}
          or d.id = any(${textArray(remove)}) and d.group_name = ${name})
      order by d.id for no key update of d
    ),
    moved as (
      update devices d set group_name = case when locked.added then ${name}::text end
      from locked where d.id = locked.id returning d.id, d.group_name
    ),
    changed as (
      update groups g set updated = ${instant(at)}, revision = g.revision + 1
      from before where g.name = before.name and exists (select 1 from moved) returning g.name
    ),
    audited as (${auditRow(
      { actor: change.actor, at, action: 'group.members-changed', subject: subject(name), after },
      sql`changed`,
    )})
    select ${outcome(sql`select 1 from before where kind = 'static'`)},
      (select count(*)::integer from moved where group_name is not null) as added,
      (select count(*)::integer from moved where group_name is null) as removed,
      (select coalesce(jsonb_agg(id), '[]') from moved) as changed,
      (select coalesce(jsonb_agg(id), '[]') from unknown) as unknown`);
  const { added, removed, changed: devices, unknown, ...found } = onlyRow(rows);
  mustFit(change, { ...found });
  if (!found.done)
    throw new WaferError(
      'group.kind',
      `${name} is a dynamic group: its query says who is in it. Change the query, or the devices’ tags.`,
    );
  const [stranger] = unknown;
  if (stranger !== undefined)
    throw new WaferError('device.not-found', `There is no device ${unknown.slice(0, 5).join(', ')}.`);
  return { added, removed, devices };
}
