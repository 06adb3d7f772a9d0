/** `wafer up` on the command line. */
import { WaferError } from '@wafer/protocol';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Context } from '../context.ts';
import { interruption } from '../interruption.ts';
import { StartError } from './process.ts';
import { progressOn } from './progress.ts';
import { up } from './up.ts';

export function addUpCommand(program: Command, context: Context): void {
  program
    .command('up')
    .description('start a fleet on this machine: server, Postgres, broker, dashboard and one board')
    .option('--data <folder>', 'where everything lies', context.env['WAFER_DATA'] ?? 'data')
    .action(async ({ data }: { data: string }) => {
      try {
        await up({
          data: resolve(context.cwd, data),
          progress: progressOn(context.stderr),
          print: (text) => context.stdout.write(`${text}\n`),
          interrupted: interruption(),
        });
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        throw new WaferError('cli.start-failed', error.message, { cause: error });
      }
    });
}
