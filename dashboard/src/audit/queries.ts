/** What the audit page reads. */
import { AuditEventList, AuditVerification } from '@wafer/protocol/api';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';

export interface AuditFilter {
  readonly target: string;
  readonly actor: string;
}

const PAGE = '50';

function queryOf({ target, actor }: AuditFilter, cursor: string | undefined): string {
  const query = new URLSearchParams({ limit: PAGE });
  if (target !== '') query.set('target', target);
  if (actor !== '') query.set('actor', actor);
  if (cursor !== undefined) query.set('cursor', cursor);
  return query.toString();
}

export const useAudit = (filter: AuditFilter) =>
  useInfiniteQuery({
    queryKey: ['audit', 'list', filter],
    queryFn: ({ pageParam, signal }) =>
      call(AuditEventList, `/audit?${queryOf(filter, pageParam)}`, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    // Later pages would move under the reader's eyes.
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) > 1 ? false : 10_000),
  });

/** The server reads every event for it, so it is not asked again by itself. */
export const useAuditVerification = () =>
  useQuery({
    queryKey: ['audit', 'verification'],
    queryFn: ({ signal }) => call(AuditVerification, '/audit/verification', { signal }),
    staleTime: Infinity,
  });
