/** Which devices are shown, and in which order. */
import type { DeviceHealth, DeviceSummary } from '@wafer/protocol/api';

export const SORTS = ['name', 'health', 'seen'] as const;
export type Sort = (typeof SORTS)[number];

export interface View {
  /** Words; each must be found in the name, id, architecture, group, a tag, a channel or an app. */
  readonly text: string;
  readonly health: DeviceHealth | null;
  /** Ids; all devices when it is not given. */
  readonly members?: ReadonlySet<string> | undefined;
  readonly sort: Sort;
}

function haystack(device: DeviceSummary): string {
  return [
    device.name,
    device.id,
    device.arch,
    device.group ?? '',
    ...Object.entries(device.tags).map(([name, value]) => `${name}=${value} ${name}:${value}`),
    ...device.channels,
    ...device.apps.map(({ app }) => app),
  ]
    .join('\n')
    .toLowerCase();
}

/** What needs a person comes first. */
const URGENCY: Record<DeviceHealth, number> = { failing: 0, offline: 1, unknown: 2, healthy: 3 };
const seenMs = ({ lastSeen }: DeviceSummary): number => (lastSeen === null ? 0 : Date.parse(lastSeen));
const byName = (a: DeviceSummary, b: DeviceSummary): number =>
  a.name.localeCompare(b.name, 'en', { numeric: true }) || (a.id < b.id ? -1 : 1);

const ORDER: Record<Sort, (a: DeviceSummary, b: DeviceSummary) => number> = {
  name: byName,
  health: (a, b) => URGENCY[a.health] - URGENCY[b.health] || byName(a, b),
  seen: (a, b) => seenMs(b) - seenMs(a) || byName(a, b),
};

export function select(
  devices: readonly DeviceSummary[],
  { text, health, members, sort }: View,
): DeviceSummary[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return devices
    .filter((device) => members?.has(device.id) !== false)
    .filter((device) => health === null || device.health === health)
    .filter((device) => words.every((word) => haystack(device).includes(word)))
    .toSorted(ORDER[sort]);
}
