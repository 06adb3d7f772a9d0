/**
 * Rollouts: releases that go to a channel's devices wave by wave. This page lists them, make/ makes one with
 * its preview beside it, one/ shows one of them live. Parties: the server plans and decides; these pages show
 * what it says and hand it people's orders. Invariants: what is made is what was previewed; only what
 * `actions` names can be ordered; an order names the revision that the person has seen.
 */
import { Button, Group, Select, Stack, Title } from '@mantine/core';
import { useDocumentTitle, useMediaQuery } from '@mantine/hooks';
import { ROLLOUT_STATES, RolloutState } from '@wafer/protocol/rollout-states';
import { useSearchParams } from 'wouter';
import { useChannels } from '../api/queries.ts';
import { Empty, Loading, Ready } from '../elements/notice.tsx';
import { Older } from '../elements/older.tsx';
import { Panel } from '../elements/section.tsx';
import { ROLLOUT_LOOK } from './looks.ts';
import { NewRolloutButton } from './new-button.tsx';
import { useRollouts, type RolloutFilter } from './queries.ts';
import { RolloutCards, RolloutTable } from './rollout-list.tsx';
import classes from './rollouts.module.css';

const STATES = ROLLOUT_STATES.map((state) => ({ value: state, label: ROLLOUT_LOOK[state].word }));

/** It stands in the address, so that it can be shared. */
function useFilter(): [RolloutFilter, (next: RolloutFilter) => void] {
  const [search, setSearch] = useSearchParams();
  const state = RolloutState.safeParse(search.get('state'));
  const filter = { state: state.success ? state.data : null, channel: search.get('channel') };
  const change = ({ state: chosen, channel }: RolloutFilter) =>
    setSearch(
      new URLSearchParams({
        ...(chosen !== null && { state: chosen }),
        ...(channel !== null && { channel }),
      }),
      { replace: true },
    );
  return [filter, change];
}

function Filter({ filter, onFilter }: { filter: RolloutFilter; onFilter: (next: RolloutFilter) => void }) {
  const channels: string[] = useChannels().data?.items.map(({ name }) => name) ?? [];
  const known = filter.channel === null ? channels : [...new Set([...channels, filter.channel])];
  return (
    <Group className={classes['tools'] ?? ''} gap="sm">
      <Select
        size="xs"
        className={classes['filter'] ?? ''}
        aria-label="State"
        placeholder="Any state"
        data={STATES}
        value={filter.state}
        clearable
        onChange={(state) => onFilter({ ...filter, state })}
      />
      <Select
        size="xs"
        className={classes['filter'] ?? ''}
        aria-label="Channel"
        placeholder="Any channel"
        data={known}
        value={filter.channel}
        clearable
        onChange={(channel) => onFilter({ ...filter, channel })}
      />
    </Group>
  );
}

const NONE: RolloutFilter = { state: null, channel: null };

function Nothing({ isFiltered, onAll }: { isFiltered: boolean; onAll: () => void }) {
  if (isFiltered)
    return (
      <Empty title="No rollout fits" icon="search">
        <Button variant="default" size="xs" mt={6} onClick={onAll}>
          Show all rollouts
        </Button>
      </Empty>
    );
  return (
    <Empty title="Nothing has been rolled out yet" icon="rollout">
      <Stack gap={12} align="center" mt={4}>
        <span>
          A rollout brings a release to a channel wave by wave: a few boards of each architecture first, the
          rest once those have done well. What it would do is shown before anything is done.
        </span>
        <NewRolloutButton variant="filled" />
      </Stack>
    </Empty>
  );
}

export function RolloutsPage() {
  useDocumentTitle('Rollouts · Wafer');
  const [filter, setFilter] = useFilter();
  const isNarrow = useMediaQuery('(max-width: 860px)', false, { getInitialValueInEffect: false });
  const query = useRollouts(filter);
  const rollouts = query.data?.pages.flatMap(({ items }) => items);
  const isFiltered = filter.state !== null || filter.channel !== null;
  const List = isNarrow ? RolloutCards : RolloutTable;
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1}>Rollouts</Title>
        <NewRolloutButton variant="filled" />
      </Group>
      <Panel>
        <Filter filter={filter} onFilter={setFilter} />
        <Ready query={{ ...query, data: rollouts }} loading={<Loading rows={6} height={28} />}>
          {(all) =>
            all.length === 0 ? (
              <Nothing isFiltered={isFiltered} onAll={() => setFilter(NONE)} />
            ) : (
              <List rollouts={all} />
            )
          }
        </Ready>
        <Older query={query} what="rollouts" />
      </Panel>
    </Stack>
  );
}
