/** The publisher's keys: `wafer keys init`. */
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { initTrust } from './init.ts';
import { keysFolder, openKeyring } from './keyring.ts';

export function addTrustCommands(program: Command, context: Context): void {
  const keys = program.command('keys').description('the keys that sign releases; they stay on this machine');
  addCommand(
    keys,
    'init',
    'make root and targets keys and found the trust of the server with them',
    context,
    async (_, command) => {
      const options = command.opts<{ keys?: string }>();
      const keyring = openKeyring(keysFolder(options.keys, context));
      const founded = await initTrust(await signedInApi(context), keyring, context.clock);
      return {
        json: founded,
        text: () =>
          [
            founded.fresh ? 'the server trusts these keys now' : 'the server trusted these keys already',
            `  root     ${founded.root}`,
            `  targets  ${founded.targets}`,
            `keep ${founded.keys} safe and copied: whoever has it says what devices run`,
          ].join('\n'),
      };
    },
  ).option('--keys <dir>', 'folder of the keys (default: WAFER_KEYS, else ./wafer-keys)');
}
