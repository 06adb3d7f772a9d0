/** Rollouts for people. Pure. */
import type { RolloutView } from '@wafer/protocol';
import type { RolloutDevice } from '../api/rollouts.ts';
import { fields, table } from '../table.ts';
import type { Paint } from '../terminal.ts';
import { capabilityDiff, countsOf, gateInWords, targetsOf, windowInWords } from './words.ts';

/** One line a wave. */
const describeWaves = ({ waves }: RolloutView): string =>
  table(
    ['', 'wave', 'state', 'devices', 'waiting', 'under way', 'succeeded', 'failed', 'withdrawn', 'why'],
    waves.map(({ name, state, counts, reason }, index) => [
      `${index + 1}`,
      name,
      state,
      ...[
        counts.devices,
        counts.waiting,
        counts.started,
        counts.succeeded,
        counts.failed,
        counts.withdrawn,
      ].map(String),
      reason ?? countsOf(counts.causes),
    ]),
    'no waves',
  );

/** Lines of equal words are one. */
const gatesOf = ({ waves }: RolloutView): [string, string][] =>
  [...new Set(waves.map(({ gate }) => gateInWords(gate)))].map((words) => ['gate', words]);

const hoursOf = ({ windows, blackouts, startAt, deadline }: RolloutView): [string, string][] => [
  ...windows.map((window): [string, string] => ['window', windowInWords(window)]),
  ...blackouts.map(({ from, to }): [string, string] => ['not on', from === to ? from : `${from} to ${to}`]),
  ...(startAt === null ? [] : [['not before', startAt] satisfies [string, string]]),
  ...(deadline === null ? [] : [['deadline', deadline] satisfies [string, string]]),
];

export function describeRollout(rollout: RolloutView, paint: Paint): string {
  const { number, id, name, channel, state, reason, targets, actions } = rollout;
  const head = fields([
    ['rollout', `${number} (${id})`],
    ['name', name],
    ['channel', rollout.movesChannel ? channel : `${channel}, which stays where it is`],
    ['releases', targetsOf(targets)],
    ['state', reason === null ? state : `${state}: ${reason}`],
    ['may be', actions.length === 0 ? 'nothing more' : actions.join(', ')],
    ['in flight', `at most ${rollout.inFlight}`],
    ...gatesOf(rollout),
    ...hoursOf(rollout),
    ['by', rollout.createdBy],
    ...(rollout.approvedBy === null ? [] : [['approved by', rollout.approvedBy] satisfies [string, string]]),
    ...(rollout.reverts === null ? [] : [['takes back', rollout.reverts] satisfies [string, string]]),
  ]);
  const isAsked = state === 'DRAFT' || state === 'AWAITING_APPROVAL';
  return [head, capabilityDiff(targets, isAsked, paint), describeWaves(rollout)]
    .filter((part) => part !== '')
    .join('\n\n');
}

export const describeRollouts = (rollouts: readonly RolloutView[]): string =>
  table(
    ['number', 'name', 'channel', 'state', 'releases', 'devices'],
    rollouts.map(({ number, name, channel, state, targets, devices }) => [
      `${number}`,
      name,
      channel,
      state,
      targetsOf(targets),
      `${devices}`,
    ]),
    'there are no rollouts',
  );

/** One line a device. */
export const describeMembers = (devices: readonly RolloutDevice[]): string =>
  table(
    ['device', 'wave', 'place', 'state', 'cause', 'since'],
    devices.map(({ device, wave, position, state, cause, updated }) => [
      device,
      `${wave + 1}`,
      `${position}`,
      state,
      cause ?? '',
      updated,
    ]),
    'no device of this rollout fits',
  );
