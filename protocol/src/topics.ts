/**
 * Topics, and the one table that says who may publish and subscribe where. The embedded broker's
 * authoriser, an external broker's hook and the tests all read ACCESS; nobody writes a topic by
 * hand.
 *
 * A device owns the subtree `wafer/v1/d/<its id>/`; it publishes only `up` leaves and receives only
 * `down` leaves of it, and of channels only what they broadcast. The server may do everything.
 */
import type { AppName, ChannelName, DeviceId } from './ids.ts';
import { filterCovers } from './grants.ts';

export const TOPIC_ROOT = 'wafer/v1';

/** Levels that a topic may have; deeper ones only make brokers slow. */
export const MAX_TOPIC_LEVELS = 24;

type Direction = 'up' | 'down';

/** Leaves below `wafer/v1/d/<device>/`. `#` in a leaf means one or more levels. */
const DEVICE_LEAVES = {
  hello: 'up',
  report: 'up',
  health: 'up',
  log: 'up',
  request: 'up',
  presence: 'up',
  desired: 'down',
  ack: 'down',
  response: 'down',
  command: 'down',
} as const satisfies Record<string, Direction>;

type Leaf = keyof typeof DEVICE_LEAVES;
export type UpLeaf = { [K in Leaf]: (typeof DEVICE_LEAVES)[K] extends 'up' ? K : never }[Leaf];
export type DownLeaf = Exclude<Leaf, UpLeaf>;

const leaves = Object.keys(DEVICE_LEAVES) as Leaf[];
export const UP_LEAVES = leaves.filter((leaf): leaf is UpLeaf => DEVICE_LEAVES[leaf] === 'up');
export const DOWN_LEAVES = leaves.filter((leaf): leaf is DownLeaf => DEVICE_LEAVES[leaf] === 'down');

export const deviceTopic = (device: DeviceId, leaf: Leaf): string => `${TOPIC_ROOT}/d/${device}/${leaf}`;

/** A guest's messages: `up` as it publishes them, `down` as it receives them. */
export const guestTopic = (device: DeviceId, app: AppName, direction: Direction, topic: string): string =>
  `${TOPIC_ROOT}/d/${device}/m/${app}/${direction}/${topic}`;

export const channelTopic = (channel: ChannelName, leaf: 'announce'): string =>
  `${TOPIC_ROOT}/c/${channel}/${leaf}`;

/** What the server subscribes to: everything that devices send. */
export const SERVER_FILTERS: readonly string[] = [
  ...UP_LEAVES.map((leaf) => `${TOPIC_ROOT}/d/+/${leaf}`),
  `${TOPIC_ROOT}/d/+/m/+/up/#`,
];

export interface Access {
  readonly publish: readonly string[];
  /** Filters that cover everything which may be subscribed to, and everything delivered. */
  readonly subscribe: readonly string[];
}

/** What a device may do, and all that it may do. */
export const deviceAccess = (device: DeviceId): Access => ({
  publish: [...UP_LEAVES.map((leaf) => deviceTopic(device, leaf)), `${TOPIC_ROOT}/d/${device}/m/+/up/#`],
  subscribe: [
    ...DOWN_LEAVES.map((leaf) => deviceTopic(device, leaf)),
    `${TOPIC_ROOT}/d/${device}/m/+/down/#`,
    `${TOPIC_ROOT}/c/+/announce`,
  ],
});

const isSane = (topic: string): boolean =>
  topic.length > 0 && !topic.includes('\0') && topic.split('/').length <= MAX_TOPIC_LEVELS;

/** For a publish, a will, and a delivery: a topic name, so without wildcards. */
export const mayPublish = (access: Access, topic: string): boolean =>
  isSane(topic) && !/[#+]/.test(topic) && access.publish.some((filter) => filterCovers(filter, topic));

export const mayReceive = (access: Access, topic: string): boolean =>
  isSane(topic) && !/[#+]/.test(topic) && access.subscribe.some((filter) => filterCovers(filter, topic));

export const maySubscribe = (access: Access, filter: string): boolean =>
  isSane(filter) && access.subscribe.some((allowed) => filterCovers(allowed, filter));

/** A message from a device, by its topic. */
export type UpTopic =
  | { readonly kind: UpLeaf; readonly device: string }
  | { readonly kind: 'guest'; readonly device: string; readonly app: string; readonly topic: string };

/** The parts of a topic that a device publishes on; undefined for any other topic. */
export function parseUpTopic(topic: string): UpTopic | undefined {
  const [wafer, v1, d, device, leaf, app, up, ...rest] = topic.split('/');
  if (`${wafer}/${v1}` !== TOPIC_ROOT || d !== 'd' || device === undefined || leaf === undefined)
    return undefined;
  if (leaf === 'm') {
    if (app === undefined || up !== 'up' || rest.length === 0) return undefined;
    return { kind: 'guest', device, app, topic: rest.join('/') };
  }
  const known = UP_LEAVES.find((name) => name === leaf);
  return known === undefined || app !== undefined ? undefined : { kind: known, device };
}
