/** `wafer devices revoke`: a device's certificates work no more, and its session ends at once. */
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { parseName } from './names.ts';

export function addRevokeCommand(devices: Command, context: Context): void {
  addCommand(
    devices,
    'revoke <id>',
    'end a device’s session and refuse its certificates from now on',
    context,
    async ([id = '']) => {
      const device = parseName('device', id);
      await (await signedInApi(context)).revokeDevice(device);
      return {
        json: { device, revoked: true },
        text: () => `${device} is revoked. To take the board back, enrol it anew with a claim token.`,
      };
    },
  );
}
