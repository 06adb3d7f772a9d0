/** What every command shares: `--json`, one result or one error, and an exit code from the table. */
import type { Command } from 'commander';
import { readCredentials } from './account/credentials.ts';
import { createApi, type Api } from './api/client.ts';
import type { Context } from './context.ts';
import { printResult, type Result } from './output.ts';

/** The API of the server that the person is signed in to. */
export const signedInApi = async (context: Context): Promise<Api> =>
  createApi(await readCredentials(context), context.sleep);

/**
 * A command that has `--json` and prints what `run` gives, unless it has printed as it went on; options
 * are `command.opts<…>()`.
 */
export function addCommand(
  parent: Command,
  nameAndArguments: string,
  description: string,
  context: Context,
  run: (args: readonly string[], command: Command) => Promise<Result | undefined>,
): Command {
  const command = parent.command(nameAndArguments).description(description);
  command.option('--json', 'print one JSON value instead of text');
  command.action(async () => {
    const result = await run(command.processedArgs as string[], command);
    if (result === undefined) return;
    // A command below another that has the option, too, finds it there.
    printResult(result, command.optsWithGlobals<{ json?: boolean }>().json === true, context);
  });
  return command;
}
