/**
 * What a rollout would be, worked out from what is there now: the targets, and every device with its wave
 * and position. The preview shows a draft and `make` stores one; the fingerprint says whether two are
 * the same.
 */
import { createHash } from 'node:crypto';
import {
  WaferError,
  firstBeyond,
  type AppName,
  type ChannelName,
  type CreateRollout,
  type DeviceId,
  type RolloutPreview,
  type Version,
} from '@wafer/protocol';
import { sql, type SQL } from 'drizzle-orm';
import { proposeMove, type Proposal } from '../../channels/index.ts';
import type { Deps } from '../../deps.ts';
import { jsonb, textArray } from '../../db/values.ts';
import { membership } from '../../groups/index.ts';
import { assignWaves, type Assignment, type DeviceColumns } from '../plan/waves.ts';

const SHOWN = 20;

interface DraftTarget extends Proposal {
  readonly app: AppName;
  readonly version: Version;
  /** The first grant that the release before did not have, in words. */
  readonly widens: string | null;
}

export interface Draft {
  readonly targets: readonly DraftTarget[];
  readonly columns: DeviceColumns;
  readonly assignment: Assignment;
  readonly fingerprint: string;
}

type Needs = Pick<Deps, 'db' | 'clock'>;

const among = async (deps: Needs, { channel, among: chosen }: CreateRollout): Promise<SQL> => sql`
  d.revoked is null and ${channel} = any(d.channels)
  and ${chosen?.devices === undefined ? sql`true` : sql`d.id = any(${textArray(chosen.devices)})`}
  and ${chosen?.group === undefined ? sql`true` : await membership(deps, chosen.group)}
  and ${chosen?.tags === undefined ? sql`true` : sql`d.tags @> ${jsonb(chosen.tags)}`}`;

const groupsOf = ({ waves }: CreateRollout): string[] => [
  ...new Set(waves.flatMap(({ devices }) => (devices.of === 'group' ? [devices.group] : []))),
];

/**
 * Who is in which group now; that is not asked again. Ordered by bytes, as `assignWaves` asks for,
 * whatever the database's collation is.
 */
async function readColumns(deps: Needs, spec: CreateRollout): Promise<DeviceColumns> {
  const groups = groupsOf(spec);
  const fits = await Promise.all(
    groups.map(async (group) => sql`(${await membership(deps, group)}) is true`),
  );
  const rows = await deps.db.execute<{
    id: string;
    arch: string;
    groups: boolean[];
    tags: Record<string, string>;
  }>(
    sql`select d.id, d.arch, d.tags, to_jsonb(array[${sql.join(fits, sql`, `)}]::boolean[]) as groups
      from devices d where ${await among(deps, spec)} order by d.id collate "C"`,
  );
  const flags = (at: number): Uint8Array => Uint8Array.from(rows, (row) => (row.groups[at] === true ? 1 : 0));
  return {
    ids: rows.map(({ id }) => id),
    architectures: rows.map(({ arch }) => arch),
    groups: new Map(groups.map((group, at) => [group, flags(at)])),
    tags: rows.map(({ tags }) => tags),
  };
}

async function readTarget(
  db: Deps['db'],
  channel: ChannelName,
  { app, ...body }: CreateRollout['targets'][number],
): Promise<DraftTarget> {
  const proposal = await proposeMove(db, { channel, app, body });
  const beyond = firstBeyond(proposal.approved.grants, proposal.held?.grants ?? {});
  // What a channel gets for the first time replaces nothing: whoever orders it approves it, as with a move.
  const widens = proposal.held === undefined ? null : (beyond ?? null);
  return { ...proposal, app, version: body.version, widens };
}

function fingerprintOf(targets: readonly DraftTarget[], columns: DeviceColumns, made: Assignment): string {
  const hash = createHash('sha256');
  for (const { app, approved, held } of targets)
    hash.update(JSON.stringify([app, approved, held?.revision ?? 0]));
  hash.update(JSON.stringify([...made.sizes]));
  for (const index of made.order) hash.update(`${columns.ids[index]}\n`);
  return hash.digest('hex');
}

/** Throws release.not-found, request.invalid, component.import-refused, group.not-found, rollout.empty. */
export async function draft(deps: Needs, spec: CreateRollout): Promise<Draft> {
  const targets: DraftTarget[] = [];
  for (const target of spec.targets) targets.push(await readTarget(deps.db, spec.channel, target));
  const columns = await readColumns(deps, spec);
  if (columns.ids.length === 0)
    throw new WaferError(
      'rollout.empty',
      `No device of the channel ${spec.channel} fits. Look at the channels, groups and tags of your devices.`,
    );
  const assignment = assignWaves(spec.waves, columns, spec.seed);
  return { targets, columns, assignment, fingerprint: fingerprintOf(targets, columns, assignment) };
}

/** Devices in the order in which they are started. */
export const inOrder = ({ columns, assignment }: Draft): DeviceId[] =>
  Array.from(assignment.order, (index) => columns.ids[index] as DeviceId);

export const nameOfWave = ({ name, devices }: CreateRollout['waves'][number]): string => {
  if (name !== undefined) return name;
  switch (devices.of) {
    case 'percent':
      return `${devices.percent} %`;
    case 'count':
      return `${devices.count} devices`;
    case 'architecture':
      return `${devices.each} of each architecture`;
    case 'hash':
      return `places below ${devices.below}`;
    case 'group':
      return `group ${devices.group}`;
    case 'tag':
      return `${devices.key}=${devices.value}`;
    case 'rest':
      return 'the rest';
  }
};

const targetView = ({ app, version, held, widens }: DraftTarget) => ({
  app,
  version,
  from: held?.version ?? null,
  widens,
});

export function previewOf(spec: CreateRollout, made: Draft): RolloutPreview {
  const { columns, assignment, fingerprint, targets } = made;
  let from = 0;
  const waves = spec.waves.map((wave, number) => {
    const size = assignment.sizes[number] ?? 0;
    const indexes = assignment.order.subarray(from, from + size);
    from += size;
    const architectures = new Map<string, number>();
    for (const index of indexes) {
      const architecture = columns.architectures[index] ?? '';
      architectures.set(architecture, (architectures.get(architecture) ?? 0) + 1);
    }
    return {
      name: nameOfWave(wave),
      devices: size,
      architectures: Object.fromEntries(architectures),
      first: Array.from(indexes.subarray(0, SHOWN), (index) => columns.ids[index] as DeviceId),
    };
  });
  return { devices: columns.ids.length, fingerprint, targets: targets.map(targetView), waves };
}
