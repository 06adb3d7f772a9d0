/** What a pending change does, one line each, for those who are asked to sign it. */
import {
  DIRECTOR_KEYS_TARGET,
  DirectorKeys,
  floorTarget,
  type AppName,
  type SignedMetadata,
} from '@wafer/protocol';
import { isDeepStrictEqual } from 'node:util';
import { floorIn, keysOfRole, RootDocument, type TargetEntry, TargetsDocument } from './documents.ts';
import type { Pending } from './pending.ts';

const OF_ROOT = ['root', 'targets', 'snapshot', 'timestamp'] as const;

export function describeChange({ base, root, targets, roles, release }: Pending): string[] {
  return [
    ...(root === undefined ? [] : describeRoot(base.root?.signed, root.signed)),
    ...(targets === undefined ? [] : describeTargets(base.targets?.signed, targets.signed)),
    ...(Object.entries(roles) as [AppName, SignedMetadata][]).flatMap(([app, { signed }]) =>
      describeRole(app, base.roles[app]?.signed, signed),
    ),
    ...(release?.move === undefined
      ? []
      : [`then channel ${release.move.channel} moves to ${release.app} ${release.version}`]),
  ];
}

const differences = (what: string, before: readonly string[], after: readonly string[]): string[] => [
  ...after.filter((id) => !before.includes(id)).map((id) => `  + ${what} ${id}`),
  ...before.filter((id) => !after.includes(id)).map((id) => `  - ${what} ${id}`),
];

function describeRoot(before: unknown, after: unknown): string[] {
  const next = RootDocument.parse(after);
  const old = before === undefined ? undefined : RootDocument.parse(before);
  const lines = [`root version ${next.version}, expires ${next.expires}`];
  for (const role of OF_ROOT) {
    const { keys, threshold } = keysOfRole(next, role);
    const was = old && keysOfRole(old, role);
    if (was?.threshold !== threshold)
      lines.push(
        `  ${role}: ${threshold} of ${keys.length} must sign${was ? `, was ${was.threshold} of ${was.keys.length}` : ''}`,
      );
    lines.push(...differences(`${role} key`, old?.roles[role].keyids ?? [], next.roles[role].keyids));
  }
  return lines;
}

/** App → its keys, as words that can be compared. */
const delegatedIn = ({ delegations }: TargetsDocument): string[] =>
  (delegations?.roles ?? []).map(
    ({ name, keyids, threshold, paths }) =>
      `${name}: ${threshold} of ${keyids.join(', ')} for ${paths?.join(' ') ?? 'no path'}`,
  );

const directorIn = ({ targets }: TargetsDocument): string[] => {
  const parsed = DirectorKeys.safeParse(targets[DIRECTOR_KEYS_TARGET]?.custom);
  return parsed.success ? Object.keys(parsed.data.keys) : [];
};

function describeTargets(before: unknown, after: unknown): string[] {
  const next = TargetsDocument.parse(after);
  const old = before === undefined ? undefined : TargetsDocument.parse(before);
  return [
    `targets version ${next.version}, expires ${next.expires}`,
    ...differences('director key', old ? directorIn(old) : [], directorIn(next)),
    ...differences('app', old ? delegatedIn(old) : [], delegatedIn(next)),
    ...differences('target', Object.keys(old?.targets ?? {}), Object.keys(next.targets)),
  ];
}

function describeRole(app: AppName, before: unknown, after: unknown): string[] {
  const next = TargetsDocument.parse(after);
  const old = before === undefined ? {} : TargetsDocument.parse(before).targets;
  const releases = Object.keys(next.targets).filter((path) => path !== floorTarget(app));
  const isOther = (path: string) =>
    Object.hasOwn(old, path) && !isDeepStrictEqual(old[path], next.targets[path]);
  return [
    `role of ${app} version ${next.version}, expires ${next.expires}: ${releases.length} ${releases.length === 1 ? 'release' : 'releases'}, floor ${floorIn(next, app)}`,
    ...releases
      .filter((path) => !Object.hasOwn(old, path))
      .map((path) => `  + ${told(path, next.targets[path])}`),
    ...Object.keys(old)
      .filter((path) => !Object.hasOwn(next.targets, path))
      .map((path) => `  - ${path}`),
    ...releases.filter(isOther).map((path) => `  ! ${told(path, next.targets[path])}, and it was another`),
  ];
}

/** Whoever signs it can build it again, and compare the hash. */
const told = (path: string, { length, custom }: TargetEntry = { length: 0, hashes: {} }): string =>
  `${path}, ${length} bytes, release ${String(custom?.['counter'])}, may be granted ${JSON.stringify(custom?.['grants'])}`;
