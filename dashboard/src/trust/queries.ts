/** Who may sign what, as the server has it. It changes by hand and by the day, so it is asked for rarely. */
import { TrustView } from '@wafer/protocol/trust';
import { useQuery } from '@tanstack/react-query';
import { call } from '../api/client.ts';

const HOUR_MS = 3_600_000;

export const useTrust = () =>
  useQuery({
    queryKey: ['trust'],
    queryFn: ({ signal }) => call(TrustView, '/trust', { signal }),
    refetchInterval: HOUR_MS,
  });
