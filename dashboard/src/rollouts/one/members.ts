/** A rollout's devices, by what became of them. The API filters by one state; a part is several of them. */
import { RolloutDeviceList } from '@wafer/protocol/rollout-views';
import type { ExecutionState } from '@wafer/protocol/states';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { z } from 'zod';
import { call } from '../../api/client.ts';
import { keys, pageQuery } from '../../api/queries.ts';
import type { Part } from '../looks.ts';

export type Member = z.infer<typeof RolloutDeviceList>['items'][number];

export interface MemberFilter {
  readonly part: Part | null;
  readonly wave: number | null;
  /** Fault kind, or end state where no fault was named; a failure's. */
  readonly cause: string | null;
}

interface Kind {
  readonly states: readonly ExecutionState[];
  readonly keep: (member: Member) => boolean;
}

const all = (): boolean => true;
const hasCause = ({ cause }: Member): boolean => cause !== null;

/** As the server counts them: what ended badly without a cause was ordered. */
const KINDS = {
  succeeded: { states: ['SUCCEEDED', 'ALREADY_INSTALLED'], keep: all },
  started: { states: ['IN_PROGRESS'], keep: all },
  failed: { states: ['FAILED', 'REJECTED', 'TIMED_OUT', 'ROLLED_BACK'], keep: hasCause },
  withdrawn: {
    states: ['CANCELED', 'REMOVED', 'ROLLED_BACK'],
    keep: (member) => member.state !== 'ROLLED_BACK' || !hasCause(member),
  },
  waiting: { states: ['QUEUED'], keep: all },
} as const satisfies Record<Part, Kind>;

const EVERY: Kind = { states: [], keep: all };

/** Where the next page begins: in which of the part's states, and behind which device. */
interface Place {
  readonly state: number;
  readonly cursor: string | undefined;
}

const START: Place = { state: 0, cursor: undefined };

const PAGE = 25;

function pathOf(
  id: string,
  { wave, cause }: MemberFilter,
  state: ExecutionState | undefined,
  cursor?: string,
) {
  const filter = new URLSearchParams({
    ...(state !== undefined && { state }),
    ...(wave !== null && { wave: `${wave}` }),
    ...(cause !== null && { cause }),
  });
  return `/rollouts/${id}/devices?${pageQuery(PAGE, cursor)}&${filter.toString()}`;
}

type Ask = (
  state: ExecutionState | undefined,
  cursor: string | undefined,
) => Promise<z.infer<typeof RolloutDeviceList>>;

/** Goes on to the next state, and past pages of which nothing is kept. */
export async function membersFrom(
  ask: Ask,
  part: Part | null,
  place: Place,
): Promise<{ items: Member[]; next: Place | undefined }> {
  const { states, keep }: Kind = part === null ? EVERY : KINDS[part];
  for (let at: Place | undefined = place; ;) {
    const page = await ask(states[at.state], at.cursor);
    const items = page.items.filter(keep);
    const isLast: boolean = at.state + 1 >= states.length;
    const following: Place | undefined = isLast ? undefined : { state: at.state + 1, cursor: undefined };
    const next: Place | undefined =
      page.next === undefined ? following : { state: at.state, cursor: page.next };
    if (items.length > 0 || next === undefined) return { items, next };
    at = next;
  }
}

export const useMembers = (id: string, filter: MemberFilter) =>
  useInfiniteQuery({
    queryKey: [...keys.rollout(id), 'devices', filter],
    queryFn: ({ pageParam, signal }) =>
      membersFrom(
        (state, cursor) => call(RolloutDeviceList, pathOf(id, filter, state, cursor), { signal }),
        filter.part,
        pageParam,
      ),
    initialPageParam: START,
    getNextPageParam: (last) => last.next,
  });
