/** Groups as people see them. */
import type { DeviceId, GroupView } from '@wafer/protocol';
import { asc, gt } from 'drizzle-orm';
import type { Deps } from '../deps.ts';
import { countMembers, findGroup, groupsOfDevice, type GroupRow } from './members.ts';
import { groups } from './tables.ts';

type Needs = Pick<Deps, 'db' | 'clock'>;

function viewOf({ kind, query, created, updated, ...row }: GroupRow, devices: number): GroupView {
  const common = { ...row, devices, created: created.toISOString(), updated: updated.toISOString() };
  return kind === 'static' ? { kind, ...common } : { kind, query: query ?? '', ...common };
}

async function views({ db, clock }: Needs, rows: readonly GroupRow[]): Promise<GroupView[]> {
  const counts = await countMembers(db, rows, clock.now());
  return rows.map((row, index) => viewOf(row, counts[index] ?? 0));
}

interface Page {
  /** The last name of the page before. */
  readonly after: string | undefined;
  readonly limit: number;
  /** Only the groups that it is in. */
  readonly device: DeviceId | undefined;
}

/** By name. */
export async function listGroups(deps: Needs, { after, limit, device }: Page): Promise<GroupView[]> {
  const all = deps.db
    .select()
    .from(groups)
    .where(after === undefined ? undefined : gt(groups.name, after))
    .orderBy(asc(groups.name));
  if (device === undefined) return views(deps, await all.limit(limit));
  const fitting = await groupsOfDevice(deps.db, await all, { device, now: deps.clock.now() });
  return views(deps, fitting.slice(0, limit));
}

/** Throws group.not-found. */
export async function readGroup(deps: Needs, name: string): Promise<GroupView> {
  const row = await findGroup(deps.db, name);
  const [count] = await countMembers(deps.db, [row], deps.clock.now());
  return viewOf(row, count ?? 0);
}
