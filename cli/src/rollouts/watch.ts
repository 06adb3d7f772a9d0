/** Follows a rollout to where nothing happens any more without a person. */
import { WaferError, type RolloutState, type RolloutView } from '@wafer/protocol';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from '../api/client.ts';
import type { Context } from '../context.ts';
import { describeWaves } from './describe.ts';

const LOOK_MS = 1000;

/** Nothing more happens by itself. */
const STILL: ReadonlySet<RolloutState> = new Set([
  'DRAFT',
  'AWAITING_APPROVAL',
  'PAUSED',
  'COMPLETED',
  'ABORTED',
  'ROLLED_BACK',
]);

const waitsForPerson = ({ waves }: RolloutView): boolean =>
  waves.some(({ state }) => state === 'AWAITING_APPROVAL');

/** Draws over what it drew before on a terminal; elsewhere, one block a change. */
function painter({ stderr }: Context): (text: string) => void {
  let [drawn, lines] = ['', 0];
  return (text) => {
    if (text === drawn) return;
    const back = stderr.isTTY === true && lines > 0 ? `\u001b[${lines}A\u001b[J` : '';
    stderr.write(`${back}${text}\n`);
    [drawn, lines] = [text, text.split('\n').length];
  };
}

/** Resolves with the rollout as it stands still. */
export async function watchRollout(
  api: Api,
  id: string,
  { context, isQuiet }: { context: Context; isQuiet: boolean },
): Promise<RolloutView> {
  const paint = isQuiet ? () => undefined : painter(context);
  for (;;) {
    const rollout = await api.rollout(id);
    paint(`${rollout.name}: ${rollout.state}\n${describeWaves(rollout)}`);
    if (STILL.has(rollout.state) || waitsForPerson(rollout)) return rollout;
    await sleep(LOOK_MS);
  }
}

/** Throws rollout.stopped unless it has completed, so that a script knows by the exit code. */
export function mustHaveCompleted({ number, state, reason, waves }: RolloutView): void {
  if (state === 'COMPLETED') return;
  const waits = state === 'RUNNING' && waves.some((wave) => wave.state === 'AWAITING_APPROVAL');
  const why = waits ? 'it waits for an approval' : (reason ?? 'no reason was given');
  throw new WaferError('rollout.stopped', `rollout ${number} is ${state}: ${why}`);
}
