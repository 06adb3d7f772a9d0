/** `wafer group`: lists of devices, and saved queries about them. */
import { WaferError } from '@wafer/protocol';
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { parseName } from '../fleet/names.ts';
import { describeGroup, describeGroups, describePreview } from './describe.ts';
import { mustBeQuery } from './query.ts';

interface GroupOptions {
  readonly query?: string;
  readonly description?: string;
}

/** What was typed, and nothing that was not. */
function given({ query, description }: GroupOptions) {
  return {
    ...(query !== undefined && { query: mustBeQuery(query) }),
    ...(description !== undefined && { description }),
  };
}

function countOf(typed: string): number {
  if (/^\d{1,6}$/.test(typed)) return Number(typed);
  throw new WaferError('cli.usage', `--members takes a whole number, not "${typed}"`);
}

export function addGroupCommands(program: Command, context: Context): void {
  const group = program.command('group').description('groups of devices: lists, and saved queries');
  addLooking(group, context);
  addChanging(group, context);
  addMemberCommand(group, context, 'add', 'put devices into a static group; each leaves the one it was in');
  addMemberCommand(group, context, 'remove', 'take devices out of a static group');
}

function addLooking(group: Command, context: Context): void {
  addCommand(group, 'list', 'list groups with how many devices are in each', context, async (_, command) => {
    const { device } = command.opts<{ device?: string }>();
    const of = device === undefined ? undefined : parseName('device', device);
    const groups = await (await signedInApi(context)).groups(of);
    return { json: groups, text: () => describeGroups(groups) };
  }).option('--device <id>', 'only those that this device is in');

  addCommand(group, 'show <name>', 'one group and who is in it', context, async ([typed = ''], command) => {
    const most = countOf(command.opts<{ members: string }>().members);
    const api = await signedInApi(context);
    const name = parseName('group', typed);
    const shown = { ...(await api.group(name)), members: await api.groupMembers(name, most) };
    return { json: shown, text: () => describeGroup(shown, context.clock.now()) };
  }).option('--members <count>', 'how many devices to list', '20');

  addCommand(
    group,
    'preview <query>',
    'who fits a query; nothing is stored',
    context,
    async ([typed = '']) => {
      const query = mustBeQuery(typed);
      const preview = await (await signedInApi(context)).previewGroup(query);
      return { json: preview, text: () => describePreview(preview, context.clock.now()) };
    },
  );
}

function addChanging(group: Command, context: Context): void {
  addCommand(
    group,
    'create <name>',
    'a dynamic group with --query, else a static one',
    context,
    async ([typed = ''], command) => {
      const { query, ...options } = given(command.opts<GroupOptions>());
      const kind = query === undefined ? { kind: 'static' as const } : { kind: 'dynamic' as const, query };
      const made = await (
        await signedInApi(context)
      ).createGroup({ ...kind, name: parseName('group', typed), ...options });
      return { json: made, text: () => describeGroups([made]) };
    },
  )
    .option('--query <text>', 'such as "architecture = riscv64 and tag.site = berlin"')
    .option('--description <text>', 'what it is for');

  addCommand(
    group,
    'edit <name>',
    'change the query or the description',
    context,
    async ([typed = ''], command) => {
      const change = given(command.opts<GroupOptions>());
      if (Object.keys(change).length === 0)
        throw new WaferError('cli.usage', 'say what to change: --query or --description');
      const changed = await (await signedInApi(context)).updateGroup(parseName('group', typed), change);
      return { json: changed, text: () => describeGroups([changed]) };
    },
  )
    .option('--query <text>', 'of a dynamic group')
    .option('--description <text>', 'what it is for');

  addCommand(group, 'delete <name>', 'delete a group; its devices stay', context, async ([typed = '']) => {
    const name = parseName('group', typed);
    await (await signedInApi(context)).deleteGroup(name);
    return { json: { name }, text: () => `group ${name} is deleted` };
  });
}

function addMemberCommand(
  group: Command,
  context: Context,
  action: 'add' | 'remove',
  description: string,
): void {
  addCommand(group, `${action} <name> <devices...>`, description, context, async (args) => {
    const [typed, ids] = args as unknown as readonly [string, readonly string[]];
    const devices = ids.map((id) => parseName('device', id));
    const changed = await (
      await signedInApi(context)
    ).changeGroupMembers(parseName('group', typed), { [action]: devices });
    return { json: changed, text: () => `added ${changed.added}, removed ${changed.removed}` };
  });
}
