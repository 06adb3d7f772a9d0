/** What the pages of rollouts read and change. */
import { RolloutList, RolloutView } from '@wafer/protocol/rollout-views';
import { ENDED_ROLLOUTS, type RolloutAction, type RolloutState } from '@wafer/protocol/rollout-states';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { call, RequestFailed } from '../api/client.ts';
import { keys, pageQuery } from '../api/queries.ts';
import { isSameSituation } from './progress.ts';

export interface RolloutFilter {
  readonly state: RolloutState | null;
  readonly channel: string | null;
}

const PAGE = 25;
/** One page of this many is asked for where all of a few are wanted. */
const MANY = 200;
/** A rollout that takes another back is among this many of its channel. */
const LATEST = 50;
const OPEN = [
  'AWAITING_APPROVAL',
  'SCHEDULED',
  'RUNNING',
  'PAUSED',
  'ROLLING_BACK',
] as const satisfies RolloutState[];

const filterQuery = ({ state, channel }: RolloutFilter): string =>
  `${state === null ? '' : `&state=${state}`}${channel === null ? '' : `&channel=${channel}`}`;

export const useRollouts = (filter: RolloutFilter) =>
  useInfiniteQuery({
    queryKey: [...keys.rollouts, 'list', filter],
    queryFn: ({ pageParam, signal }) =>
      call(RolloutList, `/rollouts?${pageQuery(PAGE, pageParam)}${filterQuery(filter)}`, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
  });

/** Every rollout that moves a channel or is about to, whatever its age. */
export const useOpenRollouts = () =>
  useQuery({
    queryKey: [...keys.rollouts, 'open'],
    queryFn: async ({ signal }) => {
      const lists = await Promise.all(
        OPEN.map((state) => call(RolloutList, `/rollouts?limit=${MANY}&state=${state}`, { signal })),
      );
      return lists.flatMap(({ items }) => items).toSorted((a, b) => b.number - a.number);
    },
  });

const fetchRollout = (id: string, signal?: AbortSignal): Promise<RolloutView> =>
  call(RolloutView, `/rollouts/${encodeURIComponent(id)}`, signal === undefined ? {} : { signal });

export const useRollout = (id: string) =>
  useQuery({ queryKey: [...keys.rollout(id), 'view'], queryFn: ({ signal }) => fetchRollout(id, signal) });

/** The rollout that takes the releases of this one back, if there is one among the channel's latest. */
export const useReverting = ({ id, channel, state }: Pick<RolloutView, 'id' | 'channel' | 'state'>) =>
  useQuery({
    enabled: ENDED_ROLLOUTS.has(state),
    queryKey: [...keys.rollouts, 'reverting', id],
    queryFn: async ({ signal }) => {
      const { items } = await call(RolloutList, `/rollouts?limit=${LATEST}&channel=${channel}`, { signal });
      return items.find(({ reverts }) => reverts === id) ?? null;
    },
  });

interface Order {
  /** As the person sees it. */
  readonly view: RolloutView;
  readonly action: RolloutAction;
  readonly reason: string;
  /** Of this order; sent again with it, so that a lost answer costs no second order. */
  readonly key: string;
}

/** A rollout that runs may have moved on between the reading and the order this often. */
const ATTEMPTS = 6;

const send = (seen: RolloutView, { action, reason, key }: Order): Promise<RolloutView> =>
  call(RolloutView, `/rollouts/${seen.id}/${action}`, {
    method: 'POST',
    body: reason === '' ? {} : { reason },
    headers: { 'if-match': `"${seen.revision}"`, 'idempotency-key': `${key}-${seen.revision}` },
  });

export const isChanged = (error: unknown): boolean =>
  error instanceof RequestFailed && error.code === 'request.precondition-failed';

/** Where only numbers moved on, the order is given again; where the situation did, the person is told. */
async function give(order: Order): Promise<RolloutView> {
  let seen = order.view;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(seen, order);
    } catch (error) {
      if (!isChanged(error) || attempt === ATTEMPTS) throw error;
      const now = await fetchRollout(seen.id);
      if (!isSameSituation(order.view, now)) throw error;
      seen = now;
    }
  }
}

export const isLost = (error: unknown): boolean => error instanceof RequestFailed && error.status === 0;

export function useOrder() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: give,
    retry: (failures, error) => failures < 3 && isLost(error),
    onSettled: (_answer, _error, { view }) =>
      Promise.all([
        client.invalidateQueries({ queryKey: keys.rollout(view.id) }),
        client.invalidateQueries({ queryKey: keys.rollouts }),
      ]),
  });
}
