/** What the pages read and change, as hooks; every query key stands in `keys`. */
import {
  ChannelList,
  DeviceDetail,
  DeviceEventList,
  DeviceList,
  DeviceLogList,
  HealthSeries,
  Me,
  MovedChannel,
  ReleaseList,
} from '@wafer/protocol/api';
import type { AppName, ChannelName, DeviceId, Version } from '@wafer/protocol/ids';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { call, isSignedOut, nothing } from './client.ts';

export const keys = {
  me: ['me'],
  fleet: ['fleet'],
  device: (id: string) => ['device', id, 'detail'],
  health: (id: string, minutes?: number) => ['device', id, 'health', ...(minutes ? [minutes] : [])],
  events: (id: string) => ['device', id, 'events'],
  logs: (id: string) => ['device', id, 'logs'],
  releases: ['releases'],
  channels: ['channels'],
  groups: ['groups'],
} as const;

/** Pages of this many are asked for where all are wanted. */
const WHOLE_PAGE = 200;
/** A fleet larger than this is loaded on demand: 5,000 devices are read without asking. */
const PAGES_UNASKED = 25;

const pageQuery = (limit: number, cursor: string | undefined): string =>
  `limit=${limit}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;

async function askMe(signal: AbortSignal): Promise<Me | null> {
  try {
    return await call(Me, '/me', { signal });
  } catch (error) {
    if (isSignedOut(error)) return null;
    throw error;
  }
}

/** Who is signed in; null means nobody, which is an answer and no error. */
export const useMe = () => useQuery({ queryKey: keys.me, queryFn: ({ signal }) => askMe(signal) });

/** Every page, one after the other; searching and counting are honest only over the whole fleet. */
export function useFleet() {
  const query = useInfiniteQuery({
    queryKey: keys.fleet,
    queryFn: ({ pageParam, signal }) =>
      call(DeviceList, `/devices?${pageQuery(WHOLE_PAGE, pageParam)}`, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
  });
  const { hasNextPage, isFetching, fetchNextPage } = query;
  const pages = query.data?.pages.length ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetching && pages < PAGES_UNASKED) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage, pages]);
  return query;
}

export const fetchDevice = (id: string, signal?: AbortSignal) =>
  call(DeviceDetail, `/devices/${encodeURIComponent(id)}`, signal === undefined ? {} : { signal });

export const useDevice = (id: string) =>
  useQuery({ queryKey: keys.device(id), queryFn: ({ signal }) => fetchDevice(id, signal) });

export const useHealth = (id: DeviceId, minutes: number) =>
  useQuery({
    queryKey: keys.health(id, minutes),
    queryFn: ({ signal }) => call(HealthSeries, `/devices/${id}/health?minutes=${minutes}`, { signal }),
    refetchInterval: 30_000,
  });

export const useDeviceEvents = (id: DeviceId) =>
  useInfiniteQuery({
    queryKey: keys.events(id),
    queryFn: ({ pageParam, signal }) =>
      call(DeviceEventList, `/devices/${id}/events?${pageQuery(15, pageParam)}`, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
  });

/** Log lines come without hints, so they are asked for again while the page is looked at. */
export const useDeviceLogs = (id: DeviceId) =>
  useInfiniteQuery({
    queryKey: keys.logs(id),
    queryFn: ({ pageParam, signal }) =>
      call(DeviceLogList, `/devices/${id}/logs?${pageQuery(100, pageParam)}`, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > 1 ? false : 10_000),
  });

/** Every release; there are few beside devices, and moves and details need them all. */
export function useReleases() {
  const query = useInfiniteQuery({
    queryKey: keys.releases,
    queryFn: ({ pageParam, signal }) =>
      call(ReleaseList, `/releases?${pageQuery(WHOLE_PAGE, pageParam)}`, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
  });
  const { hasNextPage, isFetching, fetchNextPage } = query;
  useEffect(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);
  return query;
}

export const useChannels = () =>
  useQuery({
    queryKey: keys.channels,
    queryFn: ({ signal }) => call(ChannelList, '/channels', { signal }),
  });

export interface Move {
  readonly channel: ChannelName;
  readonly app: AppName;
  readonly version: Version;
}

export function useMove() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ channel, app, version }: Move) =>
      call(MovedChannel, `/channels/${channel}/apps/${app}`, { method: 'PUT', body: { version } }),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: keys.channels }),
        client.invalidateQueries({ queryKey: keys.releases }),
        client.invalidateQueries({ queryKey: keys.fleet }),
      ]),
  });
}

/** Whether the role allows changes; the server decides, this only spares a refusal. */
export function useMayOperate(): boolean {
  const role = useMe().data?.role;
  return role === 'operator' || role === 'admin';
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call(nothing, '/session', { method: 'DELETE' }),
    onSuccess: () => {
      client.setQueryData(keys.me, null);
      // whoever signs in next must not see what this person could
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== keys.me[0] });
    },
  });
}
