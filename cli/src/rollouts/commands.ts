/**
 * `wafer rollout`: releases to the devices of a channel, wave by wave. What is typed becomes one body
 * (spec.ts, which parses it with the server's own schema before anything is sent); making.ts previews and
 * creates, looking.ts shows and watches, orders.ts gives orders and waits. How a rollout looks stands in
 * describe.ts, preview.ts and picture.ts, which are pure.
 *
 * Invariants: a change is sent with a key, so that a broken line makes it once; whoever waits or watches
 * is told by the exit code whether the rollout completed (standing.ts); nothing that a device or a
 * publisher named reaches a terminal unescaped.
 */
import { ROLLOUT_ACTIONS } from '@wafer/protocol';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addLooking } from './looking.ts';
import { addMaking } from './making.ts';
import { addOrder } from './orders.ts';

export function addRolloutCommands(program: Command, context: Context): void {
  const rollout = program
    .command('rollout')
    .description('releases to the devices of a channel, wave by wave');
  addMaking(rollout, context);
  addLooking(rollout, context);
  for (const action of ROLLOUT_ACTIONS) addOrder(rollout, action, context);
}
