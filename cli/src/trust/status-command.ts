/** `wafer keys status` and `wafer keys seal` on the command line. */
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { addKeysOption, type KeysOptions, keyringOf } from './options.ts';
import { addPassphraseOptions } from './passphrase.ts';
import { describeStatus, keysStatus } from './status.ts';

export function addStatusCommands(keys: Command, context: Context): void {
  const status = addCommand(
    keys,
    'status',
    'who may sign what and until when, and which keys lie here',
    context,
    async (_, self) => {
      const keyring = keyringOf(self.opts<KeysOptions>(), context);
      const found = await keysStatus(await signedInApi(context), keyring, context.clock.now());
      return { json: found, text: () => describeStatus(found) };
    },
  );
  addKeysOption(status);

  const seal = addCommand(
    keys,
    'seal',
    'seal keys that lie here in the open with a passphrase',
    context,
    async (_, self) => {
      const keyring = keyringOf(self.opts<KeysOptions>(), context);
      const sealed = await keyring.seal();
      return {
        json: { folder: keyring.folder, sealed },
        text: () =>
          sealed.length === 0
            ? 'no key lies here in the open'
            : `sealed ${sealed.join(', ')}; copies that were made before are still open`,
      };
    },
  );
  addPassphraseOptions(addKeysOption(seal));
}
