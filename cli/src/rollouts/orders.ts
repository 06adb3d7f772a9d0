/** What people order of a rollout, and waiting for what becomes of it. */
import type { RolloutAction, RolloutState, RolloutView } from '@wafer/protocol';
import type { Command } from 'commander';
import type { Api } from '../api/client.ts';
import { addCommand, signedInApi } from '../command.ts';
import type { Context } from '../context.ts';
import { painterOf } from '../terminal.ts';
import { describeRollout } from './describe.ts';
import { findRolloutId } from './find.ts';
import { mustHaveReached } from './standing.ts';
import { SILENT, viewerOf, watchRollout } from './watch.ts';

const SAYS: Readonly<Record<RolloutAction, string>> = {
  start: 'begin; one that widens what a release may do waits for the approval of another person',
  approve: 'let it begin, or let the next wave begin',
  pause: 'start no more devices; those under way go on',
  resume: 'go on; failures so far are accepted if a gate tripped',
  abort: 'end it; devices that have not begun to swap are called off',
  rollback: 'bring every device of it back to what the channel holds',
  retry: 'try the failed devices once more',
};

/** Where the order has led to what was wanted; an order that leads nowhere by itself has none. */
const GOALS: Readonly<Record<RolloutAction, readonly RolloutState[]>> = {
  start: ['COMPLETED'],
  approve: ['COMPLETED'],
  resume: ['COMPLETED'],
  retry: ['COMPLETED'],
  // Of a rollout that had completed, it is a rollout of its own.
  rollback: ['ROLLED_BACK', 'COMPLETED'],
  pause: [],
  abort: [],
};

interface Waiting {
  readonly action: RolloutAction;
  readonly isQuiet: boolean;
  readonly context: Context;
}

/** Throws rollout.stopped when it stands still elsewhere than the order was to lead. */
export async function waitFor(
  api: Api,
  { id }: RolloutView,
  { action, isQuiet, context }: Waiting,
): Promise<RolloutView> {
  const viewer = isQuiet ? SILENT : viewerOf(context);
  const last = await watchRollout(api, id, { ...context, viewer });
  mustHaveReached(last, GOALS[action]);
  return last;
}

interface OrderOptions {
  readonly reason?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addOrder(rollout: Command, action: RolloutAction, context: Context): void {
  const command = addCommand(
    rollout,
    `${action} <rollout>`,
    SAYS[action],
    context,
    async ([typed = ''], given) => {
      const { reason, wait, json } = given.opts<OrderOptions>();
      const api = await signedInApi(context);
      const id = await findRolloutId(api, typed);
      let after = await api.orderRollout(id, action, reason === undefined ? {} : { reason });
      if (wait === true) after = await waitFor(api, after, { action, isQuiet: json === true, context });
      const paint = painterOf(context.stdout, context.env);
      return { json: after, text: () => describeRollout(after, paint) };
    },
  ).option('--reason <text>', 'goes on record');
  if (GOALS[action].length > 0)
    command.option(
      '--wait',
      `stay until it is ${GOALS[action].join(' or ')}; exit with 7 if it stops elsewhere`,
    );
}
