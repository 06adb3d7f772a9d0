/** The dry run of an order, and the order itself. */
import { DeviceVerdictList, RolloutPreview, RolloutView } from '@wafer/protocol/rollout-views';
import type { CreateRollout, Verdict } from '@wafer/protocol/rollouts';
import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { call } from '../../api/client.ts';
import { keys, pageQuery } from '../../api/queries.ts';
import { isLost } from '../queries.ts';

/** What an earlier one said stays while the next is asked for, marked as placeholder. */
export const usePreview = (spec: CreateRollout | undefined) =>
  useQuery({
    queryKey: ['rollout-preview', spec],
    enabled: spec !== undefined,
    queryFn: ({ signal }) =>
      call(RolloutPreview, '/rollouts/preview', { method: 'POST', body: spec, signal }),
    placeholderData: keepPreviousData,
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });

const PAGE = 25;

export const usePreviewDevices = (spec: CreateRollout, verdict: Verdict | null, fingerprint: string) =>
  useInfiniteQuery({
    queryKey: ['rollout-preview-devices', spec, verdict, fingerprint],
    queryFn: ({ pageParam, signal }) =>
      call(
        DeviceVerdictList,
        `/rollouts/preview/devices?${pageQuery(PAGE, pageParam)}${verdict === null ? '' : `&verdict=${verdict}`}`,
        { method: 'POST', body: spec, signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });

interface Creation {
  readonly spec: CreateRollout;
  /** Of the preview that the person has seen: just that is made, or nothing. */
  readonly fingerprint: string;
  readonly key: string;
}

export function useCreateRollout() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ spec, fingerprint, key }: Creation) =>
      call(RolloutView, '/rollouts', {
        method: 'POST',
        body: { ...spec, fingerprint },
        headers: { 'idempotency-key': key },
      }),
    retry: (failures, error) => failures < 3 && isLost(error),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.rollouts }),
  });
}
