/** Where a rollout stands: whether anything more happens by itself, and what became of it. Pure. */
import { WaferError, type RolloutState, type RolloutView } from '@wafer/protocol';

/** Nothing more is started by itself. */
const STILL: ReadonlySet<RolloutState> = new Set([
  'DRAFT',
  'AWAITING_APPROVAL',
  'PAUSED',
  'COMPLETED',
  'ABORTED',
  'ROLLED_BACK',
]);

const waitsForPerson = ({ state, waves }: RolloutView): boolean =>
  state === 'RUNNING' && waves.some((wave) => wave.state === 'AWAITING_APPROVAL');

export const standsStill = (rollout: RolloutView): boolean =>
  STILL.has(rollout.state) || waitsForPerson(rollout);

/** Where it stands and why, in a line. */
function whereItStands(rollout: RolloutView): string {
  const { number, state, reason, waves } = rollout;
  const underWay = waves.reduce((sum, { counts }) => sum + counts.started, 0);
  const after = underWay === 0 ? '' : `; devices still under way: ${underWay}`;
  return `rollout ${number} is ${state}: ${why()}${after}`;

  function why(): string {
    if (waitsForPerson(rollout)) return 'it waits for an approval';
    if (state === 'AWAITING_APPROVAL')
      return 'it widens what a release may do, and waits for the approval of another person';
    if (state === 'DRAFT') return 'it was not started';
    return reason ?? 'no reason was given';
  }
}

/** Throws rollout.stopped unless it is in one of `goals`, so that a script knows by the exit code. */
export function mustHaveReached(rollout: RolloutView, goals: readonly RolloutState[]): void {
  if (!goals.includes(rollout.state)) throw new WaferError('rollout.stopped', whereItStands(rollout));
}
