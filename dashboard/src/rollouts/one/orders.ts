/** What an order does to the rollout as it stands, said before it is given. */
import type { RolloutAction } from '@wafer/protocol/rollout-states';
import type { RolloutView } from '@wafer/protocol/rollout-views';
import { counted } from '../../format/quantity.ts';
import { currentWave, totals } from '../progress.ts';

const list = (targets: RolloutView['targets']): string =>
  targets.map(({ app, version }) => `${app} ${version}`).join(', ');

function startText({ targets, startAt, waves }: RolloutView): string {
  if (targets.some(({ gains }) => gains.length > 0))
    return 'It lets a release do more than the one before might, so another person has to approve it first.';
  const first = waves[0];
  const whom = first === undefined ? '' : ` with ${counted(first.counts.devices, 'device')}`;
  return startAt === null
    ? `The first wave begins at once${whom}.`
    : `The first wave begins${whom} when its start time has come.`;
}

function approveText(view: RolloutView): string {
  if (view.state === 'AWAITING_APPROVAL')
    return `${list(view.targets)} may then do more than before. Your approval goes on record.`;
  const wave = view.waves[currentWave(view) ?? 0];
  return `The wave “${wave?.name}” counts as passed, and the next one begins.`;
}

function resumeText(view: RolloutView): string {
  const wave = view.waves[currentWave(view) ?? 0];
  if (wave?.state !== 'TRIPPED') return 'Further devices are started again.';
  return `The gate of “${wave.name}” tripped: ${wave.reason}. The failures so far are then accepted; further ones are not.`;
}

function rollbackText({ state, targets }: RolloutView): string {
  const back = targets.map(({ app, from }) => `${app} ${from ?? 'to be removed'}`).join(', ');
  return state === 'COMPLETED'
    ? `A rollout of its own takes the channel and its devices back: ${back}.`
    : `No further device is started, and those that were updated go back: ${back}. It cannot be resumed.`;
}

export function orderText(action: RolloutAction, view: RolloutView): string {
  switch (action) {
    case 'start':
      return startText(view);
    case 'approve':
      return approveText(view);
    case 'pause':
      return 'No further device is started. Those that are under way go on to their end.';
    case 'resume':
      return resumeText(view);
    case 'abort':
      return 'What has not begun to swap is called off. Devices that have the new release keep it; to take it back, roll back. It cannot be resumed.';
    case 'rollback':
      return rollbackText(view);
    case 'retry':
      return `${counted(totals(view.waves).failed, 'device that failed is', 'devices that failed are')} tried again; the others stay as they are.`;
  }
}
