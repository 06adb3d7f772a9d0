/**
 * What a rollout would be, worked out from what is there now: the targets, and every device with its
 * verdict, its wave and its position. The preview shows a draft and `make` stores one; the fingerprint says
 * whether two are the same.
 */
import { createHash } from 'node:crypto';
import {
  WaferError,
  beyond,
  type ChannelName,
  type CreateRollout,
  type Grants,
  type RolloutTargetView,
} from '@wafer/protocol';
import { windowsProblem } from '@wafer/protocol/window';
import { proposeMove, type Proposal } from '../../channels/index.ts';
import type { Deps } from '../../deps.ts';
import { verdictOf, type Found, type Target } from '../plan/verdict.ts';
import { assignWaves, type Assignment, type DeviceColumns } from '../plan/waves.ts';
import { readAppFacts, readBytes, readDevices, type KnownDevice } from './facts.ts';

interface DraftTarget extends Target, Pick<Proposal, 'held'> {
  /** What it may do that the release before might not, and the other way round, in words. */
  readonly gains: readonly string[];
  readonly loses: readonly string[];
}

export interface DraftDevice {
  readonly device: KnownDevice;
  readonly found: Found;
}

export interface Draft {
  readonly targets: readonly DraftTarget[];
  /** Indexes in `assignment` are places in it. */
  readonly members: readonly DraftDevice[];
  /** Pinned ones, and those with a verdict that is to be skipped. */
  readonly others: readonly DraftDevice[];
  readonly assignment: Assignment;
  readonly fingerprint: string;
}

/** Interfaces without their version: another version of one is no new power. */
const importsOf = (imports: readonly string[]): string[] => [
  ...new Set(imports.map((name) => name.replace(/@.*$/, ''))),
];

interface Powers {
  readonly imports: readonly string[];
  readonly grants: Grants;
}

function* more(of: Powers, than: Powers): Generator<string> {
  const known = new Set(importsOf(than.imports));
  for (const name of importsOf(of.imports)) if (!known.has(name)) yield `import ${name}`;
  yield* beyond(of.grants, than.grants);
}

async function readTarget(
  db: Deps['db'],
  channel: ChannelName,
  { app, ...body }: CreateRollout['targets'][number],
): Promise<DraftTarget> {
  const { held, approved, next, current } = await proposeMove(db, { channel, app, body });
  const { version, digest, imports } = next;
  const after = { imports, grants: approved.grants };
  // What a channel gets for the first time replaces nothing: whoever orders it approves it, as with a move.
  const before = held === undefined ? after : { imports: current?.imports ?? [], grants: held.grants };
  return {
    app,
    version,
    digest,
    bytes: await readBytes(db, digest),
    approved,
    held,
    gains: [...more(after, before)],
    loses: [...more(before, after)],
  };
}

function fingerprintOf(
  { targets, members, assignment }: Omit<Draft, 'fingerprint' | 'others'>,
  { windows, blackouts }: CreateRollout,
): string {
  const hash = createHash('sha256');
  for (const { app, approved, held } of targets)
    hash.update(JSON.stringify([app, approved, held?.revision ?? 0]));
  hash.update(JSON.stringify([windows, blackouts, [...assignment.sizes]]));
  for (const index of assignment.order) hash.update(`${members[index]?.device.id}\n`);
  return hash.digest('hex');
}

function mustBeSound({ windows, deadline, startAt }: CreateRollout, now: number): void {
  const problem = windowsProblem(windows);
  if (problem !== undefined) throw new WaferError('request.invalid', `body/windows/${problem}.`);
  if (deadline === undefined) return;
  const begins = Math.max(now, startAt === undefined ? now : Date.parse(startAt));
  if (Date.parse(deadline) <= begins)
    throw new WaferError('request.invalid', 'body/deadline: it would be over before the rollout begins.');
}

/** Throws release.not-found, request.invalid, component.import-refused, group.not-found, rollout.empty. */
export async function draft({ db, clock }: Pick<Deps, 'db' | 'clock'>, spec: CreateRollout): Promise<Draft> {
  const now = clock.now();
  mustBeSound(spec, now);
  const targets: DraftTarget[] = [];
  for (const target of spec.targets) targets.push(await readTarget(db, spec.channel, target));
  const facts = await Promise.all(targets.map((target) => readAppFacts(db, target)));
  const circumstances = { channel: spec.channel, targets, hours: spec, now };
  const groups = groupsOf(spec);
  const skipped = new Set<string>([...spec.skip, 'pinned']);
  const [members, others]: [DraftDevice[], DraftDevice[]] = [[], []];
  for (const device of await readDevices({ db, clock }, spec, groups)) {
    const apps = facts.map((of) => of(device.id));
    const found = verdictOf(device, apps, circumstances);
    (skipped.has(found.verdict) ? others : members).push({ device, found });
  }
  if (members.length === 0)
    throw new WaferError(
      'rollout.empty',
      `No device of the channel ${spec.channel} fits. Look at the channels, groups, tags and pins of your devices.`,
    );
  const assignment = assignWaves(spec.waves, columnsOf(members, groups), spec.seed);
  const made = { targets, members, assignment };
  return { ...made, others, fingerprint: fingerprintOf(made, spec) };
}

const groupsOf = ({ waves }: CreateRollout): string[] => [
  ...new Set(waves.flatMap(({ devices }) => (devices.of === 'group' ? [devices.group] : []))),
];

const columnsOf = (members: readonly DraftDevice[], groups: readonly string[]): DeviceColumns => ({
  ids: members.map(({ device }) => device.id),
  architectures: members.map(({ device }) => device.architecture),
  groups: new Map(
    groups.map((group, at) => [
      group,
      Uint8Array.from(members, ({ device }) => (device.groups[at] === true ? 1 : 0)),
    ]),
  ),
  tags: members.map(({ device }) => device.tags),
});

/** Devices in the order in which they are started. */
export const inOrder = ({ members, assignment }: Draft): DraftDevice[] =>
  Array.from(assignment.order, (index) => members[index]).filter((member) => member !== undefined);

export const targetView = ({ app, version, held, gains, loses }: DraftTarget): RolloutTargetView => ({
  app,
  version,
  from: held?.version ?? null,
  gains: [...gains],
  loses: [...loses],
});

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
