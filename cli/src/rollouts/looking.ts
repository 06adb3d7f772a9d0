/** `wafer rollout list`, `show`, `watch` and `devices`. */
import { ExecutionState, RolloutState, WaferError } from '@wafer/protocol';
import type { Command } from 'commander';
import type { z } from 'zod';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { parseName } from '../fleet/names.ts';
import { painterOf } from '../terminal.ts';
import { parseWhole } from '../typed.ts';
import { describeMembers, describeRollout, describeRollouts } from './describe.ts';
import { findRollout, findRolloutId } from './find.ts';
import { mustHaveReached } from './standing.ts';
import { jsonViewerOf, viewerOf, watchRollout } from './watch.ts';

/** A word of the API as people type it, in any case. */
function wordOf(option: string, schema: z.ZodEnum, typed: string): string {
  const word = typed.toUpperCase();
  if (schema.safeParse(word).success) return word;
  throw new WaferError('cli.usage', `--${option}: "${typed}" is none of ${schema.options.join(', ')}`);
}

export function addLooking(rollout: Command, context: Context): void {
  addList(rollout, context);
  addDevices(rollout, context);

  addCommand(rollout, 'show <rollout>', 'one rollout with its waves', context, async ([typed = '']) => {
    const shown = await findRollout(await signedInApi(context), typed);
    const paint = painterOf(context.stdout, context.env);
    return { json: shown, text: () => describeRollout(shown, paint) };
  });

  addCommand(
    rollout,
    'watch <rollout>',
    'follow it until it ends or waits for a person; exit with 0 if it has completed, and with 7 if not',
    context,
    async ([typed = ''], command) => {
      const api = await signedInApi(context);
      const { id } = await findRollout(api, typed);
      const isJson = command.opts<{ json?: boolean }>().json === true;
      const viewer = isJson ? jsonViewerOf(context) : viewerOf(context);
      const last = await watchRollout(api, id, { ...context, viewer });
      mustHaveReached(last, ['COMPLETED']);
      if (isJson) return undefined;
      const paint = painterOf(context.stdout, context.env);
      return { json: last, text: () => describeRollout(last, paint) };
    },
  ).addHelpText('after', '\nWith --json: one line for each change, the rollout as `show --json` has it.');
}

function addList(rollout: Command, context: Context): void {
  addCommand(rollout, 'list', 'list rollouts, newest first', context, async (_, command) => {
    const { state, channel } = command.opts<{ state?: string; channel?: string }>();
    const filter = {
      ...(state !== undefined && { state: wordOf('state', RolloutState, state) }),
      ...(channel !== undefined && { channel: parseName('channel', channel) }),
    };
    const rollouts = await (await signedInApi(context)).rollouts(filter);
    return { json: rollouts, text: () => describeRollouts(rollouts) };
  })
    .option('--state <state>', `only those that are ${RolloutState.options.join(', ')}`)
    .option('--channel <name>', 'only those of this channel');
}

interface DevicesOptions {
  readonly state?: string;
  readonly cause?: string;
  readonly wave?: string;
}

function addDevices(rollout: Command, context: Context): void {
  addCommand(
    rollout,
    'devices <rollout>',
    'its devices and what became of each, in the order in which they are started',
    context,
    async ([typed = ''], command) => {
      const { state, cause, wave } = command.opts<DevicesOptions>();
      const filter = {
        ...(state !== undefined && { state: wordOf('state', ExecutionState, state) }),
        ...(cause !== undefined && { cause }),
        // People count waves from 1.
        ...(wave !== undefined && { wave: `${parseWhole('wave', wave) - 1}` }),
      };
      const api = await signedInApi(context);
      const id = await findRolloutId(api, typed);
      const devices = await api.rolloutDevices(id, filter);
      return { json: devices, text: () => describeMembers(devices) };
    },
  )
    .option('--state <state>', `only those that are ${ExecutionState.options.join(', ')}`)
    .option('--cause <cause>', 'only those that failed of it: a kind of fault, or TIMED_OUT')
    .option('--wave <number>', 'only those of this wave, from 1');
}
