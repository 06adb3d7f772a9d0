/** `wafer claim`: a token that enrols devices, shown once, with the command that uses it. */
import { CreateClaim, WaferError } from '@wafer/protocol';
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { collect, parseDuration, parsePair } from '../typed.ts';
import { addClaimListCommands } from './claim-list.ts';

interface ClaimOptions {
  readonly name?: string;
  readonly uses: string;
  readonly expires: string;
  readonly channel: readonly string[];
  readonly group?: string;
  readonly tag: readonly string[];
}

function claimOf(options: ClaimOptions) {
  const parsed = CreateClaim.safeParse({
    uses: Number(options.uses),
    expiresInSeconds: parseDuration(options.expires),
    channels: options.channel.length === 0 ? ['stable'] : options.channel,
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.group === undefined ? {} : { group: options.group }),
    tags: Object.fromEntries(options.tag.map((each) => parsePair('--tag', each))),
  });
  if (parsed.success) return parsed.data;
  const complaints = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new WaferError('cli.usage', complaints.join('; '));
}

export function addClaimCommands(program: Command, context: Context): void {
  const claim = program.command('claim').description('tokens that enrol devices');
  addCommand(claim, 'create', 'make a token for new devices', context, async (_, command) => {
    const options = command.opts<ClaimOptions>();
    const asked = claimOf(options);
    const created = await (await signedInApi(context)).createClaim(asked);
    const enrol = enrolCommand(created.token, created.server);
    const packaged = packagedCommand(created.token, created.server);
    return {
      json: { ...created, enrol, packaged },
      text: () =>
        [
          created.token,
          `enrols ${created.uses} ${created.uses === 1 ? 'device' : 'devices'} until ${created.expires}. On a board with the package:`,
          `  ${packaged}`,
          'or in a clone of this project, which then starts it with npm run agent -- run --data data/board:',
          `  ${enrol}`,
        ].join('\n'),
    };
  })
    .option('--name <text>', 'what the token is called in lists')
    .option('--uses <n>', 'devices that it may enrol', '1')
    .option('--expires <duration>', 'how long it works: 90s, 30m, 12h, 1d', '1d')
    .option('--channel <name>', 'channel of the devices; may be repeated (default: stable)', collect, [])
    .option('--group <name>', 'group of the devices')
    .option('--tag <name=value>', 'tag of the devices; may be repeated', collect, []);
  addClaimListCommands(claim, context);
}

/** The server says where devices reach it; the CLI's own way to it may be one that only this machine has. */
const enrolCommand = (token: string, server: string): string =>
  `npm run agent -- enrol ${token} --server ${server} --data data/board`;

/** It enrols, enables and starts. */
const packagedCommand = (token: string, server: string): string =>
  `sudo wafer-agent enrol ${token} --server ${server}`;
