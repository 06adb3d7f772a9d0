/** What the page of enrolment reads and changes. */
import { ClaimList, CloneList, CreatedClaim, type CreateClaim } from '@wafer/protocol/api';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { z } from 'zod';
import { call, nothing } from '../api/client.ts';
import { keys } from '../api/queries.ts';

const CLAIMS = ['claims'];
const CLONES = ['clones'];
const REFETCH_MS = 30_000;

/** Boards use tokens up without a hint, so they are asked for again while the page is looked at. */
export const useClaims = () =>
  useQuery({
    queryKey: CLAIMS,
    queryFn: ({ signal }) => call(ClaimList, '/claim-tokens', { signal }),
    refetchInterval: REFETCH_MS,
  });

/** For operators; others are not asked for it. */
export const useClones = (mayOperate: boolean) =>
  useQuery({
    queryKey: CLONES,
    queryFn: ({ signal }) => call(CloneList, '/devices/clones', { signal }),
    refetchInterval: REFETCH_MS,
    enabled: mayOperate,
  });

export function useCreateClaim() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (claim: z.input<typeof CreateClaim>) =>
      call(CreatedClaim, '/claim-tokens', { method: 'POST', body: claim }),
    onSettled: () => client.invalidateQueries({ queryKey: CLAIMS }),
  });
}

export function useRevokeClaim() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call(nothing, `/claim-tokens/${id}`, { method: 'DELETE' }),
    onSettled: () => client.invalidateQueries({ queryKey: CLAIMS }),
  });
}

/** For admins. */
export function useRevokeDevice() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call(nothing, `/devices/${id}/revoke`, { method: 'POST' }),
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: CLONES }),
        client.invalidateQueries({ queryKey: keys.fleet }),
      ]),
  });
}
