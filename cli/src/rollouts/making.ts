/** `wafer rollout preview` and `create`. */
import { Verdict, WaferError } from '@wafer/protocol';
import type { Command } from 'commander';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { painterOf } from '../terminal.ts';
import { describeRollout } from './describe.ts';
import { type SpecOptions, withSpec } from './options.ts';
import { waitFor } from './orders.ts';
import { describePreview, describeVerdicts } from './preview.ts';
import { specOf } from './spec.ts';

/** The last argument of a command with `[releases...]` is a list. */
const specFrom = (args: readonly unknown[], command: Command, context: Context) => {
  const [channel, releases] = args as readonly [string, readonly string[]];
  return specOf(channel, releases, command.opts<SpecOptions>(), context);
};

interface PreviewOptions {
  readonly devices?: boolean;
  readonly verdict?: string;
}

function verdictFilter({ verdict }: PreviewOptions): Record<string, string> {
  if (verdict === undefined) return {};
  if (Verdict.safeParse(verdict).success) return { verdict };
  throw new WaferError('cli.usage', `"${verdict}" is no verdict: write one of ${Verdict.options.join(', ')}`);
}

interface CreateOptions {
  readonly start?: boolean;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addMaking(rollout: Command, context: Context): void {
  withSpec(
    addCommand(
      rollout,
      'preview <channel> [releases...]',
      'which devices would be in which wave; nothing is stored',
      context,
      async (args, command) => {
        const spec = await specFrom(args, command, context);
        const options = command.opts<PreviewOptions>();
        const filter = verdictFilter(options);
        const api = await signedInApi(context);
        if (options.devices === true || options.verdict !== undefined) {
          const lines = await api.previewDevices(spec, filter);
          return { json: lines, text: () => describeVerdicts(lines) };
        }
        const preview = await api.previewRollout(spec);
        const paint = painterOf(context.stdout, context.env);
        return { json: preview, text: () => describePreview(preview, paint) };
      },
    ),
  )
    .option('--devices', 'list every device with its verdict, and what it is for')
    .option('--verdict <verdict>', `list the devices with this one: ${Verdict.options.join(', ')}`);

  withSpec(
    addCommand(
      rollout,
      'create <channel> [releases...]',
      'store a rollout; it begins with `wafer rollout start`, or at once with --start',
      context,
      async (args, command) => create(await specFrom(args, command, context), command, context),
    ),
  )
    .option('--start', 'begin it, too')
    .option('--wait', 'with --start: stay until it has completed; exit with 7 if it stops before');
}

async function create(spec: Awaited<ReturnType<typeof specOf>>, command: Command, context: Context) {
  const { start, wait, json } = command.opts<CreateOptions>();
  if (wait === true && start !== true) throw new WaferError('cli.usage', '--wait goes with --start');
  const api = await signedInApi(context);
  let made = await api.createRollout(spec);
  if (start === true) {
    const { id, number } = made;
    made = await api.orderRollout(id, 'start', {}).catch((error: unknown) => {
      if (!(error instanceof WaferError)) throw error;
      throw new WaferError(error.code, `rollout ${number} is stored and was not started: ${error.message}`, {
        cause: error,
      });
    });
    if (wait === true) made = await waitFor(api, made, { action: 'start', isQuiet: json === true, context });
  }
  const paint = painterOf(context.stdout, context.env);
  return { json: made, text: () => describeRollout(made, paint) };
}
