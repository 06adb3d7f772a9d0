/**
 * Keeps the loaded fleet current without loading it again: a hint about one device reads that
 * device and replaces its row; a burst of hints reads the fleet once.
 */
import { DeviceSummary, type DeviceList } from '@wafer/protocol/api';
import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import type { z } from 'zod';
import type { Batch } from './hints.ts';
import { fetchDevice, keys } from './queries.ts';

export type Fleet = InfiniteData<z.infer<typeof DeviceList>>;

/** More changed devices at once than this are cheaper to read as pages. */
const ONE_BY_ONE = 10;

/** The fleet with some rows replaced; undefined when one of them is not in it yet. */
export function withDevices(fleet: Fleet, changed: readonly DeviceSummary[]): Fleet | undefined {
  const left = new Map(changed.map((device) => [device.id, device]));
  const pages = fleet.pages.map((page) => ({
    ...page,
    items: page.items.map((item) => {
      const next = left.get(item.id);
      left.delete(item.id);
      return next ?? item;
    }),
  }));
  return left.size > 0 ? undefined : { ...fleet, pages };
}

/** Devices that have just sent something were seen now; only ever moves forward. */
export function withSeen(fleet: Fleet, seen: ReadonlySet<string>, nowMs: number): Fleet {
  const pages = fleet.pages.map((page) => ({
    ...page,
    items: page.items.map((item) =>
      seen.has(item.id) && (item.lastSeen === null || Date.parse(item.lastSeen) < nowMs)
        ? { ...item, lastSeen: new Date(nowMs).toISOString() }
        : item,
    ),
  }));
  return { ...fleet, pages };
}

async function refreshRows(client: QueryClient, ids: readonly string[]): Promise<void> {
  try {
    const details = await Promise.all(
      ids.map((id) =>
        client.fetchQuery({ queryKey: keys.device(id), queryFn: () => fetchDevice(id), staleTime: 0 }),
      ),
    );
    const fleet = client.getQueryData<Fleet>(keys.fleet);
    const next =
      fleet &&
      withDevices(
        fleet,
        details.map((detail) => DeviceSummary.parse(detail)),
      );
    if (next) client.setQueryData(keys.fleet, next);
    else await client.invalidateQueries({ queryKey: keys.fleet });
  } catch {
    // a device that is gone, or a server that is: the fleet's own query will say which
    await client.invalidateQueries({ queryKey: keys.fleet });
  }
}

const isActive = (client: QueryClient, queryKey: readonly unknown[]): boolean =>
  client.getQueryCache().find({ queryKey })?.isActive() ?? false;

/** Acts on a batch; queries that nobody looks at are only marked stale. */
export async function applyBatch(client: QueryClient, batch: Batch, nowMs: number): Promise<void> {
  if (batch.all) return client.invalidateQueries();
  const stale: (readonly unknown[])[] = [];
  if (batch.releases) stale.push(keys.releases);
  if (batch.channels) stale.push(keys.channels);
  if (batch.groups) stale.push(keys.groups);
  for (const id of batch.devices) stale.push(keys.events(id), keys.logs(id), keys.device(id));
  for (const id of batch.reporting) stale.push(keys.health(id), keys.device(id));
  const isFleetShown = isActive(client, keys.fleet);
  if (batch.devices.size > 0 && !(isFleetShown && batch.devices.size <= ONE_BY_ONE)) stale.push(keys.fleet);
  if (batch.reporting.size > 0)
    client.setQueryData<Fleet>(keys.fleet, (fleet) => fleet && withSeen(fleet, batch.reporting, nowMs));
  await Promise.all([
    ...stale.map((queryKey) => client.invalidateQueries({ queryKey })),
    ...(isFleetShown && batch.devices.size > 0 && batch.devices.size <= ONE_BY_ONE
      ? [refreshRows(client, [...batch.devices])]
      : []),
  ]);
}
