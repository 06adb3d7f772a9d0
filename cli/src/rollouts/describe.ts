/** Rollouts for people. */
import type { RolloutPreview, RolloutView } from '@wafer/protocol';
import { fields, table } from '../table.ts';

const targetsOf = (targets: RolloutView['targets']): string =>
  targets.map(({ app, version, from }) => `${app} ${from ?? 'nothing'} → ${version}`).join(', ');

const causesOf = (causes: Record<string, number>): string =>
  Object.entries(causes)
    .map(([cause, count]) => `${count} ${cause}`)
    .join(', ');

/** One line a wave. */
export const describeWaves = ({ waves }: RolloutView): string =>
  table(
    ['wave', 'state', 'devices', 'waiting', 'started', 'succeeded', 'failed', 'why'],
    waves.map(({ name, state, counts, reason }) => [
      name,
      state,
      ...[counts.devices, counts.waiting, counts.started, counts.succeeded, counts.failed].map(String),
      reason ?? causesOf(counts.causes),
    ]),
    'no waves',
  );

export function describeRollout(rollout: RolloutView): string {
  const { number, id, name, channel, state, reason, targets, createdBy } = rollout;
  const widened = targets.flatMap(({ app, widens }) => (widens === null ? [] : [`${app} gets ${widens}`]));
  const head = fields([
    ['rollout', `${number} (${id})`],
    ['name', name],
    ['channel', channel],
    ['releases', targetsOf(targets)],
    ...(widened.length === 0 ? [] : [['widens', widened.join(', ')] as const]),
    ['state', reason === null ? state : `${state}: ${reason}`],
    ['by', createdBy],
  ]);
  return `${head}\n\n${describeWaves(rollout)}`;
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

export function describePreview({ devices, fingerprint, targets, waves }: RolloutPreview): string {
  const list = table(
    ['wave', 'devices', 'architectures', 'first'],
    waves.map(({ name, devices: count, architectures, first }) => [
      name,
      `${count}`,
      causesOf(architectures),
      first.slice(0, 3).join(' '),
    ]),
    'no waves',
  );
  const head = fields([
    ['devices', `${devices}`],
    ['releases', targetsOf(targets)],
    ...targets.flatMap(({ app, widens }) =>
      widens === null ? [] : [['widens', `${app} gets ${widens}`] as const],
    ),
    ['fingerprint', fingerprint],
  ]);
  return `${head}\n\n${list}`;
}
