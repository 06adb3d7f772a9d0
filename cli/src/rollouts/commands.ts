/** `wafer rollout`: releases to the devices of a channel, wave by wave. */
import { ROLLOUT_ACTIONS, WaferError, type RolloutAction } from '@wafer/protocol';
import type { Command } from 'commander';
import type { Api } from '../api/client.ts';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { describePreview, describeRollout, describeRollouts } from './describe.ts';
import { specOf, type SpecOptions } from './spec.ts';
import { mustHaveCompleted, watchRollout } from './watch.ts';

const SAYS: Readonly<Record<RolloutAction, string>> = {
  start: 'begin; one that widens what a release may do waits for the approval of another person',
  approve: 'let it begin, or let the next wave begin',
  pause: 'start no more devices; those under way go on',
  resume: 'go on; failures so far are accepted if a gate tripped',
  abort: 'end it; devices that have not begun to swap are called off',
  rollback: 'bring every device of it back to what the channel holds',
  retry: 'try the failed devices once more',
};

/** By id, or by the number that people see. */
async function idOf(api: Api, typed: string): Promise<string> {
  if (!/^#?\d+$/.test(typed)) return typed;
  const number = Number(typed.replace('#', ''));
  const found = (await api.rollouts()).find((rollout) => rollout.number === number);
  if (found === undefined) throw new WaferError('rollout.not-found', `There is no rollout ${number}.`);
  return found.id;
}

const withSpec = (command: Command): Command =>
  command
    .option('--name <text>', 'what people call it; default: its releases')
    .option('--waves <list>', 'such as 5/arch,1%,10%,100%; default: rest, which is everyone at once')
    .option('--success <percent>', 'of each wave that must succeed')
    .option('--errors <count>', 'failures in a wave that stop the rollout')
    .option('--soak <minutes>', 'how long each wave is watched before the next')
    .option('--approval', 'a person lets each next wave begin')
    .option('--on-trip <what>', 'when a gate trips: pause, abort or rollback')
    .option('--in-flight <count>', 'devices under way at one time')
    .option('--group <name>', 'only devices of this group; the channel stays where it is')
    .option('--fingerprint <text>', 'of a preview: refused if anything is different now')
    .option('--file <file>', 'everything else, and gates for each wave, in YAML by the names of the API');

/** The last argument of a command with `[releases...]` is a list. */
const specFrom = (args: readonly unknown[], command: Command, { cwd }: Context) => {
  const [channel, releases] = args as readonly [string, readonly string[]];
  return specOf(channel, releases, command.opts<SpecOptions>(), cwd);
};

export function addRolloutCommands(program: Command, context: Context): void {
  const rollout = program
    .command('rollout')
    .description('releases to the devices of a channel, wave by wave');
  addMaking(rollout, context);

  addCommand(rollout, 'list', 'list rollouts, newest first', context, async () => {
    const rollouts = await (await signedInApi(context)).rollouts();
    return { json: rollouts, text: () => describeRollouts(rollouts) };
  });

  addCommand(rollout, 'show <rollout>', 'one rollout with its waves', context, async ([typed = '']) => {
    const api = await signedInApi(context);
    const shown = await api.rollout(await idOf(api, typed));
    return { json: shown, text: () => describeRollout(shown) };
  });

  addCommand(
    rollout,
    'watch <rollout>',
    'follow it until it ends or waits for a person',
    context,
    async ([typed = ''], command) => {
      const api = await signedInApi(context);
      const isQuiet = command.opts<{ json?: boolean }>().json === true;
      const last = await watchRollout(api, await idOf(api, typed), { context, isQuiet });
      return { json: last, text: () => describeRollout(last) };
    },
  );

  for (const action of ROLLOUT_ACTIONS) addOrder(rollout, action, context);
}

function addMaking(rollout: Command, context: Context): void {
  withSpec(
    addCommand(
      rollout,
      'preview <channel> [releases...]',
      'which devices would be in which wave; nothing is stored',
      context,
      async (args, command) => {
        const spec = await specFrom(args, command, context);
        const preview = await (await signedInApi(context)).previewRollout(spec);
        return { json: preview, text: () => describePreview(preview) };
      },
    ),
  );

  withSpec(
    addCommand(
      rollout,
      'create <channel> [releases...]',
      'store a rollout; it begins with `wafer rollout start`',
      context,
      async (args, command) => {
        const spec = await specFrom(args, command, context);
        const made = await (await signedInApi(context)).createRollout(spec);
        return { json: made, text: () => describeRollout(made) };
      },
    ),
  );
}

interface OrderOptions {
  readonly reason?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

function addOrder(rollout: Command, action: RolloutAction, context: Context): void {
  const command = addCommand(
    rollout,
    `${action} <rollout>`,
    SAYS[action],
    context,
    async ([typed = ''], given) => {
      const { reason, wait, json } = given.opts<OrderOptions>();
      const api = await signedInApi(context);
      const id = await idOf(api, typed);
      let after = await api.orderRollout(id, action, reason === undefined ? {} : { reason });
      if (wait === true) {
        after = await watchRollout(api, id, { context, isQuiet: json === true });
        mustHaveCompleted(after);
      }
      return { json: after, text: () => describeRollout(after) };
    },
  ).option('--reason <text>', 'goes on record');
  if (action === 'start' || action === 'resume' || action === 'approve')
    command.option('--wait', 'stay until it has completed; exit with 7 if it stops before');
}
