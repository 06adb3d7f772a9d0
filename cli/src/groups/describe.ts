/** Groups for people. */
import type { GroupMember, GroupPreview, GroupView } from '@wafer/protocol';
import { ago } from '../fleet/describe.ts';
import { fields, table } from '../table.ts';

const queryOf = (group: GroupView): string => (group.kind === 'dynamic' ? group.query : 'a list of devices');

export const describeGroups = (groups: readonly GroupView[]): string =>
  table(
    ['name', 'kind', 'devices', 'who', 'description'],
    groups.map((group) => [group.name, group.kind, `${group.devices}`, queryOf(group), group.description]),
    'there are no groups: make one with wafer group create',
  );

function describeMembers(members: readonly GroupMember[], total: number, nowMs: number): string {
  const list = table(
    ['id', 'name', 'arch', 'seen'],
    members.map(({ id, name, arch, online, lastSeen }) => [
      id,
      name,
      arch,
      online ? 'online' : ago(lastSeen, nowMs),
    ]),
    'nobody',
  );
  return total > members.length && members.length > 0 ? `${list}\nand ${total - members.length} more` : list;
}

export function describeGroup(
  group: GroupView & { readonly members: readonly GroupMember[] },
  nowMs: number,
): string {
  const head = fields([
    ['group', group.name],
    ['kind', group.kind],
    ...(group.kind === 'dynamic' ? [['query', group.query] as const] : []),
    ...(group.description === '' ? [] : [['description', group.description] as const]),
    ['devices', `${group.devices}`],
    ['by', group.createdBy],
  ]);
  return `${head}\n\n${describeMembers(group.members, group.devices, nowMs)}`;
}

export function describePreview({ devices, architectures, first }: GroupPreview, nowMs: number): string {
  const head = fields([
    ['devices', `${devices}`],
    [
      'architectures',
      Object.entries(architectures)
        .map(([arch, count]) => `${count} ${arch}`)
        .join(', '),
    ],
  ]);
  return `${head}\n\n${describeMembers(first, devices, nowMs)}`;
}
