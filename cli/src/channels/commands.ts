/**
 * `wafer channel`: what devices that subscribe to a channel should run. `move` asks it of all of them at
 * once; `wafer rollout` does so wave by wave, and is overtaken by a move.
 */
import { WaferError, type ChannelView, type RolloutView } from '@wafer/protocol';
import type { Command } from 'commander';
import type { Api } from '../api/client.ts';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { parseName } from '../fleet/names.ts';
import { describeChannel, describeChannels } from './describe.ts';

async function list(context: Context) {
  const channels = await (await signedInApi(context)).channels();
  return { json: channels, text: () => describeChannels(channels) };
}

const OPEN = ['AWAITING_APPROVAL', 'SCHEDULED', 'RUNNING', 'PAUSED', 'ROLLING_BACK'] as const;

async function openRollouts(api: Api, channel: string): Promise<RolloutView[]> {
  const lists = await Promise.all(OPEN.map((state) => api.rollouts({ channel, state })));
  return lists.flat().toSorted((a, b) => b.number - a.number);
}

/** Throws channel.not-found. */
async function channelNamed(api: Api, name: string): Promise<ChannelView> {
  const found = (await api.channels()).find((channel) => channel.name === name);
  if (found === undefined) throw new WaferError('channel.not-found', `There is no channel ${name}.`);
  return found;
}

export function addChannelCommands(program: Command, context: Context): void {
  addCommand(program, 'channels', 'list the channels and the release of each app', context, () =>
    list(context),
  );

  const channel = program.command('channel').description('what the devices of a channel should run');
  addCommand(channel, 'list', 'list the channels and the release of each app', context, () => list(context));

  addCommand(
    channel,
    'show <channel>',
    'one channel, and the rollouts that are about it',
    context,
    async ([typed = '']) => {
      const name = parseName('channel', typed);
      const api = await signedInApi(context);
      const shown = { ...(await channelNamed(api, name)), rollouts: await openRollouts(api, name) };
      return { json: shown, text: () => describeChannel(shown) };
    },
  );

  addCommand(
    channel,
    'move <channel> <app> <version>',
    'make a release the one of every device on the channel',
    context,
    async ([name = '', app = '', version = '']) => {
      const move = { version: parseName('version', version) };
      const place = [parseName('channel', name), parseName('app', app)] as const;
      const moved = await (await signedInApi(context)).moveChannel(...place, move);
      return {
        json: moved,
        text: () =>
          `channel ${moved.channel} holds ${moved.app} ${moved.version}; devices told: ${moved.devices}`,
      };
    },
  );
}
