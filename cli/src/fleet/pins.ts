/** `wafer devices pin | unpin | pins | wake`: what keeps one device from following its channels. */
import type { PinView } from '@wafer/protocol';
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { table } from '../table.ts';
import { parseName } from './names.ts';

const describePins = (pins: readonly PinView[]): string =>
  table(
    ['device', 'app', 'version', 'since', 'by', 'why'],
    pins.map(({ device, app, version, at, by, reason }) => [device, app, version, at, by, reason ?? '']),
    'no device is pinned',
  );

export function addPinCommands(devices: Command, context: Context): void {
  addCommand(
    devices,
    'pin <id> <app> <version>',
    'keep one device at a release of its own, whatever its channels and rollouts bring',
    context,
    async ([id = '', app = '', version = ''], command) => {
      const { reason } = command.opts<{ reason?: string }>();
      const pin = await (
        await signedInApi(context)
      ).setPin(parseName('device', id), parseName('app', app), {
        version: parseName('version', version),
        ...(reason !== undefined && { reason }),
      });
      return {
        json: pin,
        text: () => `${pin.device} keeps ${pin.app} ${pin.version} until wafer devices unpin`,
      };
    },
  ).option('--reason <text>', 'goes on record');

  addCommand(
    devices,
    'unpin <id> <app>',
    'let a device follow its channels again',
    context,
    async ([id = '', app = '']) => {
      const [device, name] = [parseName('device', id), parseName('app', app)];
      await (await signedInApi(context)).removePin(device, name);
      return {
        json: { device, app: name, pinned: false },
        text: () => `${device} follows its channels for ${name}`,
      };
    },
  );

  addCommand(devices, 'pins', 'list the pinned devices', context, async () => {
    const pins = await (await signedInApi(context)).pins();
    return { json: pins, text: () => describePins(pins) };
  });

  addCommand(
    devices,
    'wake <id>',
    'end the rest of a device that failed again and again, so that rollouts start it',
    context,
    async ([id = '']) => {
      const device = parseName('device', id);
      await (await signedInApi(context)).endRest(device);
      return { json: { device, rests: false }, text: () => `rollouts start ${device} again` };
    },
  );
}
