/** `wafer secret`: values for guests. A value comes from a terminal, a pipe or a file, and is shown to nobody. */
import type { SecretView } from '@wafer/protocol';
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { parseName } from '../fleet/names.ts';
import { table } from '../table.ts';
import { readValue } from './value.ts';

interface SetOptions {
  readonly channel?: string;
  readonly file?: string;
}

const ANYWHERE = 'all';

const channelOf = ({ channel }: Pick<SetOptions, 'channel'>) =>
  channel === undefined ? undefined : parseName('channel', channel);

const where = (channel: string | null): string => (channel === null ? '' : ` on ${channel}`);

const describeSecrets = (secrets: readonly SecretView[], app: string): string =>
  table(
    ['name', 'channel', 'set', 'by'],
    secrets.map(({ name, channel, set, by }) => [name, channel ?? ANYWHERE, set, by]),
    `${app} has no secrets`,
  );

export function addSecretCommands(program: Command, context: Context): void {
  const secret = program.command('secret').description('values that only the boards of an app can open');
  addCommand(
    secret,
    'set <app> <name>',
    'set a value; devices that were granted the name get it at once',
    context,
    async ([app = '', name = ''], command) => {
      const options = command.opts<SetOptions>();
      const names = [parseName('app', app), parseName('secret', name)] as const;
      const channel = channelOf(options);
      const api = await signedInApi(context);
      const value = await readValue(`value of ${name}: `, options.file, context);
      const changed = await api.setSecret(...names, {
        base64: Buffer.from(value).toString('base64'),
        ...(channel === undefined ? {} : { channel }),
      });
      return {
        json: changed,
        text: () => `${name} of ${app} is set${where(changed.channel)}; devices told: ${changed.devices}`,
      };
    },
  )
    .option('--channel <name>', 'only for devices that run the app by this channel')
    .option('--file <file>', 'read the value from a file, byte for byte')
    .addHelpText(
      'after',
      '\nWithout --file the value is asked for, or read from standard input, where one line break at\nthe end is dropped. It is never an argument, since those stand in process lists and histories.',
    );

  addCommand(secret, 'list <app>', 'list the names that are set', context, async ([app = '']) => {
    const secrets = await (await signedInApi(context)).secrets(parseName('app', app));
    return { json: secrets, text: () => describeSecrets(secrets, app) };
  });

  addCommand(
    secret,
    'remove <app> <name>',
    'remove a value, from devices too',
    context,
    async ([app = '', name = ''], command) => {
      const channel = channelOf(command.opts<SetOptions>());
      const api = await signedInApi(context);
      const changed = await api.removeSecret(parseName('app', app), parseName('secret', name), channel);
      return {
        json: changed,
        text: () => `${name} of ${app} is removed${where(changed.channel)}; devices told: ${changed.devices}`,
      };
    },
  ).option('--channel <name>', 'the value of this channel, not that of all');
}
