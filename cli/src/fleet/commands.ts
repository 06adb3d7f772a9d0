/** Looking at the fleet, and claim tokens. */
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { addBoardCommands } from './board-commands.ts';
import { addClaimCommands } from './claims.ts';
import { describeDevice, describeDevices, describeReleases } from './describe.ts';
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

  addBoardCommands(program, context);
  addClaimCommands(program, context);
}
