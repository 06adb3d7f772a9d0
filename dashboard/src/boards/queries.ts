/** What the page of boards reads. Neither comes with hints, so both are asked for again while somebody looks. */
import { FleetBoards, HardwareRunList } from '@wafer/protocol/boards';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';

const AGAIN_MS = 30_000;

/** The newest run of the hardware tests; null where none was published. */
export const useLatestRun = () =>
  useQuery({
    queryKey: ['hardware-runs', 'latest'],
    queryFn: async ({ signal }) =>
      (await call(HardwareRunList, '/hardware-runs?limit=1', { signal })).items[0] ?? null,
    refetchInterval: AGAIN_MS,
  });

export const useFleetBoards = () =>
  useQuery({
    queryKey: ['boards'],
    queryFn: ({ signal }) => call(FleetBoards, '/boards', { signal }),
    refetchInterval: AGAIN_MS,
  });
