/** Looking at the fleet, and the operator's few levers: channels and claim tokens. */
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { addClaimCommands } from './claims.ts';
import { describeChannels, describeDevice, describeDevices, describeReleases } from './describe.ts';
import { parseName } from './names.ts';
import { addPinCommands } from './pins.ts';
import { addRevokeCommand } from './revoke.ts';

export function addFleetCommands(program: Command, context: Context): void {
  const devicesCommand = addCommand(program, 'devices', 'list the devices', context, async () => {
    const devices = await (await signedInApi(context)).devices();
    return { json: devices, text: () => describeDevices(devices, context.clock.now()) };
  });

  addRevokeCommand(devicesCommand, context);
  addPinCommands(devicesCommand, context);

  addCommand(program, 'device <id>', 'show one device', context, async ([id = '']) => {
    const device = await (await signedInApi(context)).device(parseName('device', id));
    return { json: device, text: () => describeDevice(device, context.clock.now()) };
  });

  addCommand(program, 'releases', 'list the releases', context, async () => {
    const releases = await (await signedInApi(context)).releases();
    return { json: releases, text: () => describeReleases(releases) };
  });

  addCommand(program, 'channels', 'list the channels and the release of each app', context, async () => {
    const channels = await (await signedInApi(context)).channels();
    return { json: channels, text: () => describeChannels(channels) };
  });

  const channel = program.command('channel').description('change a channel');
  addCommand(
    channel,
    'move <channel> <app> <version>',
    'make a release the one of every device on the channel',
    context,
    async ([name = '', app = '', version = '']) => {
      const moved = await (
        await signedInApi(context)
      ).moveChannel(parseName('channel', name), parseName('app', app), {
        version: parseName('version', version),
      });
      return {
        json: moved,
        text: () =>
          `channel ${moved.channel} holds ${moved.app} ${moved.version}; devices told: ${moved.devices}`,
      };
    },
  );

  addClaimCommands(program, context);
}
