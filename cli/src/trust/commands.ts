/** The publisher's keys on the command line: founding, signing, publishing. Changes are in change-commands.ts. */
import { WaferError } from '@wafer/protocol';
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { resolve } from 'node:path';
import { trustedRoot } from './anchor.ts';
import { mustStartHere } from './brought.ts';
import { advance, type Outcome, pendingFile, settle } from './ceremony.ts';
import { addChangeCommands } from './change-commands.ts';
import { describeChange } from './describe-change.ts';
import { initTrust, type Founded } from './init.ts';
import { addKeysOption, type KeysOptions, keyringOf, parsePublicKeys, parseQuorum } from './options.ts';
import { missingIn, readPending } from './pending.ts';
import { addPassphraseOptions } from './passphrase.ts';
import { addStatusCommands } from './status-command.ts';
import { describeOutcome } from './outcome.ts';

interface InitOptions extends KeysOptions {
  readonly root: string;
  readonly rootPublic?: string[];
}

export function addTrustCommands(program: Command, context: Context): void {
  const keys = program.command('keys').description('the keys that sign releases; they stay on this machine');
  addInit(keys, context);
  addStatusCommands(keys, context);
  addChangeCommands(keys, context);
  addSign(keys, context);
  addPublish(keys, context);
}

function addInit(keys: Command, context: Context): void {
  const command = addCommand(
    keys,
    'init',
    'make root and targets keys and found the trust of the server with them',
    context,
    async (_, self) => {
      const options = self.opts<InitOptions>();
      const rootPublic = parsePublicKeys(options.rootPublic ?? []);
      const { threshold, keys: all } = parseQuorum('--root', options.root);
      const rootKeys = all - rootPublic.length;
      if (rootKeys < 1)
        throw new WaferError('cli.usage', `--root ${options.root} leaves no key to make here`);
      const founding = { rootKeys, rootPublic, threshold };
      const founded = await initTrust(
        await signedInApi(context),
        keyringOf(options, context),
        context.clock,
        founding,
      );
      return { json: founded, text: () => describeFounded(founded) };
    },
  )
    .option('--root <m/n>', 'how many root keys must sign together, of how many', '1/1')
    .option(
      '--root-public <hex...>',
      'those of them that wafer keys make printed on other machines; the others are made here',
    );
  addPassphraseOptions(addKeysOption(command));
}

function describeFounded({ keys, root, threshold, targets, fresh, pending }: Founded): string {
  const head = fresh ? 'the server trusts these keys now' : 'the server trusted these keys already';
  return [
    pending === undefined ? head : describeOutcome(pending),
    `  root     ${threshold} of ${root.length} must sign`,
    ...root.map((id) => `           ${id}`),
    `  targets  ${targets.join(', ')}`,
    ...(root.length > 1 ? ['move each root key to a machine of its own, with root.json beside it'] : []),
    `keep ${keys} safe and copied: whoever has it says what devices run`,
  ].join('\n');
}

/** The change in the file that was named, or in the folder of the keys. */
async function openPending(given: string | undefined, options: KeysOptions, context: Context) {
  const keyring = keyringOf(options, context);
  const file = given === undefined ? pendingFile(keyring) : resolve(context.cwd, given);
  const pending = await readPending(file);
  if (pending !== undefined) return { keyring, file, pending };
  throw new WaferError('cli.usage', `there is no pending change in ${file}`);
}

function addSign(keys: Command, context: Context): void {
  const command = addCommand(
    keys,
    'sign [file]',
    'add the signatures of the keys that lie here to a pending change; needs no server',
    context,
    async ([given], self) => {
      const options = self.opts<KeysOptions & { show?: boolean }>();
      const { keyring, file, pending } = await openPending(given, options, context);
      const { anchored } = await mustStartHere(pending, keyring);
      const outcome: Outcome =
        options.show === true
          ? {
              state: 'pending',
              file,
              changes: describeChange(pending),
              signedWith: [],
              missing: missingIn(pending),
              moved: null,
            }
          : await advance(pending, keyring, { api: undefined, file });
      const warning = anchored
        ? []
        : [
            `${keyring.folder} holds no root.json, so nothing here says that this is your fleet: compare the key ids`,
          ];
      return {
        json: { ...outcome, anchored },
        text: () => [...warning, describeOutcome(outcome)].join('\n'),
      };
    },
  ).option('--show', 'only say what would be signed');
  addPassphraseOptions(addKeysOption(command));
}

function addPublish(keys: Command, context: Context): void {
  const command = addCommand(
    keys,
    'publish [file]',
    'hand a change that is signed completely to the server',
    context,
    async ([given], self) => {
      const { keyring, file, pending } = await openPending(given, self.opts<KeysOptions>(), context);
      const api = await signedInApi(context);
      if ((await keyring.root()) !== undefined && pending.base.root !== undefined)
        await trustedRoot(api, keyring);
      // What somebody brought is looked at before it is signed, and that is done by wafer keys sign.
      const outcome = await settle({ pending, signedWith: [] }, keyring, { api, file });
      if (outcome.state === 'pending')
        throw new WaferError('trust.signature-invalid', describeOutcome(outcome));
      return { json: outcome, text: () => describeOutcome(outcome) };
    },
  );
  addPassphraseOptions(addKeysOption(command));
}
