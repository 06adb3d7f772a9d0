/** What the pages of groups read and change. */
import {
  ChangedMembers,
  type CreateGroup,
  GroupList,
  GroupMemberList,
  GroupPreview,
  GroupView,
  type UpdateGroup,
} from '@wafer/protocol/groups';
import type { DeviceId } from '@wafer/protocol/ids';
import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import type { z } from 'zod';
import { call, nothing } from '../api/client.ts';
import { keys } from '../api/queries.ts';

/** Who fits a query changes without a hint, so it is asked again while somebody looks. */
const AGAIN_MS = 15_000;
/** Each group's count is a query of its own. */
const ALL_AGAIN_MS = 60_000;
const WHOLE_PAGE = 200;
/** As many as the fleet page loads of the fleet without being asked. */
const PAGES_UNASKED = 25;

const groupAt = (name: string): string => `/groups/${encodeURIComponent(name)}`;
const pageOf = (limit: number, cursor: string | undefined): string =>
  `limit=${limit}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;

/** `isWanted` false: only what was read already. */
export function useGroups({ isWanted = true }: { isWanted?: boolean } = {}) {
  const query = useInfiniteQuery({
    queryKey: [...keys.groups, 'list'],
    queryFn: ({ pageParam, signal }) =>
      call(GroupList, `/groups?${pageOf(WHOLE_PAGE, pageParam)}`, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    refetchInterval: ALL_AGAIN_MS,
    enabled: isWanted,
  });
  const { hasNextPage, isFetching, fetchNextPage } = query;
  useEffect(() => {
    if (isWanted && hasNextPage && !isFetching) void fetchNextPage();
  }, [isWanted, hasNextPage, isFetching, fetchNextPage]);
  const groups = useMemo(() => query.data?.pages.flatMap(({ items }) => items), [query.data]);
  return { ...query, data: groups };
}

export const useGroupsOf = (device: DeviceId) =>
  useQuery({
    queryKey: [...keys.groups, 'of', device],
    queryFn: ({ signal }) => call(GroupList, `/groups?limit=${WHOLE_PAGE}&device=${device}`, { signal }),
    refetchInterval: AGAIN_MS,
  });

export const useGroup = (name: string) =>
  useQuery({
    queryKey: [...keys.groups, 'one', name],
    queryFn: ({ signal }) => call(GroupView, groupAt(name), { signal }),
    refetchInterval: AGAIN_MS,
  });

export const useMembers = (name: string) =>
  useInfiniteQuery({
    queryKey: [...keys.groups, 'members', name],
    queryFn: ({ pageParam, signal }) =>
      call(GroupMemberList, `${groupAt(name)}/devices?${pageOf(50, pageParam)}`, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
  });

/** Ids of all members, page by page; undefined until the first page is there, and without a name. */
export function useMemberIds(name: string | null): ReadonlySet<string> | undefined {
  const { data, hasNextPage, isFetching, fetchNextPage } = useInfiniteQuery({
    queryKey: [...keys.groups, 'ids', name],
    queryFn: ({ pageParam, signal }) =>
      call(GroupMemberList, `${groupAt(name ?? '')}/devices?${pageOf(WHOLE_PAGE, pageParam)}`, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    enabled: name !== null,
  });
  const pages = data?.pages.length ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetching && pages < PAGES_UNASKED) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage, pages]);
  return useMemo(() => data && new Set(data.pages.flatMap(({ items }) => items.map(({ id }) => id))), [data]);
}

/** Of a query that can be read; null asks nothing. What was shown stays until the next answer. */
export const usePreview = (query: string | null) =>
  useQuery({
    queryKey: [...keys.groups, 'preview', query],
    queryFn: ({ signal }) =>
      call(GroupPreview, '/groups/preview', { method: 'POST', body: { query }, signal }),
    enabled: query !== null,
    placeholderData: keepPreviousData,
    retry: false,
  });

/** Whatever it changes, groups and the groups of devices may be others afterwards. */
function useChange<Input, Output>(change: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () => client.invalidateQueries({ queryKey: keys.groups }),
  });
}

export const useCreateGroup = () =>
  useChange((group: z.input<typeof CreateGroup>) =>
    call(GroupView, '/groups', { method: 'POST', body: group }),
  );

/** Refused when somebody else changed the group since `seen` was read. */
export const useUpdateGroup = (seen: GroupView) =>
  useChange((change: UpdateGroup) =>
    call(GroupView, groupAt(seen.name), {
      method: 'PATCH',
      body: change,
      headers: { 'if-match': `"${seen.revision}"` },
    }),
  );

export const useDeleteGroup = () =>
  useChange((name: string) => call(nothing, groupAt(name), { method: 'DELETE' }));

export const useChangeMembers = (name: string) =>
  useChange((change: { add?: readonly string[]; remove?: readonly string[] }) =>
    call(ChangedMembers, `${groupAt(name)}/devices`, { method: 'POST', body: change }),
  );
