/**
 * The devices by name, group and tag, read once: to name those of a rollout, and to choose from. It does not
 * follow live hints, for a rollout makes one for every device that it touches.
 */
import { DeviceList, type DeviceSummary } from '@wafer/protocol/api';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';
import { pageQuery } from '../api/queries.ts';

const PAGE = 200;
/** Of a larger fleet the rest goes by id: 5,000 devices are read. */
const PAGES = 25;
const STALE_MS = 600_000;

async function readDevices(signal: AbortSignal): Promise<DeviceSummary[]> {
  const devices: DeviceSummary[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES; pages += 1) {
    const { items, next } = await call(DeviceList, `/devices?${pageQuery(PAGE, cursor)}`, { signal });
    devices.push(...items);
    cursor = next;
    if (cursor === undefined) break;
  }
  return devices;
}

const NONE: readonly DeviceSummary[] = [];

export const useKnownDevices = (): readonly DeviceSummary[] =>
  useQuery({
    queryKey: ['known-devices'],
    queryFn: ({ signal }) => readDevices(signal),
    staleTime: STALE_MS,
  }).data ?? NONE;
