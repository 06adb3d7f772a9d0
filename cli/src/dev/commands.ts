/** `wafer dev` on the command line. */
import type { Command } from 'commander';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Context } from '../context.ts';
import { interruption } from '../interruption.ts';
import { takesColour } from '../terminal.ts';
import { dev } from './dev.ts';
import type { Told } from './events.ts';
import { HELP, show } from './show.ts';

interface DevCommandOptions {
  readonly manifest?: string;
  readonly keep?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

export function addDevCommand(program: Command, context: Context): void {
  program
    .command('dev <file>')
    .description('run a guest on a local agent while you write it: build and swap at every change')
    .option(
      '--manifest <file>',
      'its grants, limits, triggers and config (default: wafer.yaml beside the file)',
    )
    .option('--keep <folder>', 'keep its key-value stores there (default: they go when you quit)')
    .option('--json', 'print one JSON value a line for each event')
    .option('--no-color', 'no colours (none either where the output is no terminal)')
    .addHelpText('after', `\nWhile it runs:\n${HELP.replaceAll(/^/gm, '  ')}`)
    .action(async (file: string, options: DevCommandOptions) => {
      await dev({
        file: resolve(context.cwd, file),
        manifest: options.manifest === undefined ? undefined : resolve(context.cwd, options.manifest),
        storesFolder: options.keep === undefined ? undefined : resolve(context.cwd, options.keep),
        input: process.stdin,
        cwd: context.cwd,
        tell: teller(options, context),
        interrupted: interruption(),
      });
    });
}

function teller({ json, color }: DevCommandOptions, { stdout, env }: Context): (told: Told) => void {
  if (json === true) return (told) => stdout.write(`${JSON.stringify(told)}\n`);
  const isColoured = color && takesColour(stdout, env);
  let last: Told | undefined;
  return (told) => {
    const isAgain = told.event === 'fault' && isDeepStrictEqual(told, last);
    if (told.event === 'fault' || told.event === 'swapped') last = told;
    stdout.write(show(isAgain ? again(told) : told, new Date(), isColoured));
  };
}

/** A tick that fails fails every time: once with its stack is enough. */
function again(told: Extract<Told, { event: 'fault' }>): Told {
  const [message = ''] = told.fault.message.split('\n', 1);
  return { ...told, fault: { kind: told.fault.kind, message: `${message} (again)` } };
}
