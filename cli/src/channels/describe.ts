/** Channels for people. Pure. */
import type { ChannelView, RolloutView } from '@wafer/protocol';
import { fields, table } from '../table.ts';

export const describeChannels = (channels: readonly ChannelView[]): string =>
  table(
    ['channel', 'devices', 'apps'],
    channels.map(({ name, devices, apps }) => [
      name,
      String(devices),
      apps.map(({ app, version }) => `${app} ${version}`).join(', '),
    ]),
    'no channels yet: publishing to one makes it',
  );

export function describeChannel(
  channel: ChannelView & { readonly rollouts: readonly RolloutView[] },
): string {
  const head = fields([
    ['channel', channel.name],
    ['devices', `${channel.devices}`],
  ]);
  const apps = table(
    ['app', 'version', 'since'],
    channel.apps.map(({ app, version, since }) => [app, version, since]),
    'it holds no app',
  );
  const rollouts = table(
    ['rollout', 'name', 'state', 'devices'],
    channel.rollouts.map(({ number, name, state, devices }) => [`${number}`, name, state, `${devices}`]),
    'no rollout is about it',
  );
  return [head, apps, rollouts].join('\n\n');
}
