/**
 * `wafer`, the command line of publishers and operators. This page composes it: a command parses
 * its arguments, asks one room (account, trust, publish, inspect, dev, fleet, channels, groups, rollouts,
 * simulate, secrets, audit) and gives a result in two forms, for people and as JSON. Nothing below decides about
 * stdout, errors or exit codes: that is done here.
 *
 * Invariants: with --json, stdout is exactly one JSON value (of `dev`, `simulate` and `rollout watch`, which
 * stay, one a line); every failure has a code from the protocol's table and an exit code from exit.ts; keys stay
 * in the publisher's folder.
 */
import { WaferError } from '@wafer/protocol';
import { Command, CommanderError } from 'commander';
import { addAccountCommands } from './account/commands.ts';
import { addAuditCommands } from './audit/commands.ts';
import type { Context } from './context.ts';
import { addDevCommand } from './dev/commands.ts';
import { addChannelCommands } from './channels/commands.ts';
import { describeExitCodes, EXIT_CODES, exitOf } from './exit.ts';
import { addFleetCommands } from './fleet/commands.ts';
import { addGroupCommands } from './groups/commands.ts';
import { addInspectCommand } from './inspect/commands.ts';
import { printError, toWaferError } from './output.ts';
import { addPublishCommands } from './publish/commands.ts';
import { addRolloutCommands } from './rollouts/commands.ts';
import { addSecretCommands } from './secrets/commands.ts';
import { addSimulateCommand } from './simulate/commands.ts';
import { addTrustCommands } from './trust/commands.ts';
import { addUpCommand } from './up/commands.ts';

function createProgram(context: Context): Command {
  const program = new Command('wafer')
    .description('ships one signed WebAssembly component to every board of a fleet')
    .addHelpText('after', `\nExit codes:\n${describeExitCodes()}`)
    .configureOutput({ writeOut: (text) => context.stdout.write(text), writeErr: () => undefined })
    .exitOverride();
  addUpCommand(program, context);
  addAccountCommands(program, context);
  addTrustCommands(program, context);
  addPublishCommands(program, context);
  addInspectCommand(program, context);
  addDevCommand(program, context);
  addFleetCommands(program, context);
  addGroupCommands(program, context);
  addChannelCommands(program, context);
  addRolloutCommands(program, context);
  addSimulateCommand(program, context);
  addSecretCommands(program, context);
  addAuditCommands(program, context);
  inheritSettings(program);
  return program;
}

/** Commands made with `.command()` take over the settings of then; this gives them those of now. */
function inheritSettings(parent: Command): void {
  for (const child of parent.commands) {
    child.copyInheritedSettings(parent);
    inheritSettings(child);
  }
}

/** Runs one command line (without `node` and the script); never throws. Resolves to the exit code. */
export async function run(args: readonly string[], context: Context): Promise<number> {
  const asJson = args.includes('--json');
  try {
    await createProgram(context).parseAsync(args, { from: 'user' });
    return EXIT_CODES.ok.code;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT_CODES.ok.code;
    const error = thrown instanceof CommanderError ? usageError(thrown) : toWaferError(thrown);
    printError(error, asJson, context);
    return exitOf(error.code);
  }
}

function usageError(error: CommanderError): WaferError {
  const reason = error.code === 'commander.help' ? 'name a command' : error.message.replace(/^error: /, '');
  return new WaferError('cli.usage', `${reason}. See wafer --help`, { cause: error });
}
