/** All devices: a summary, a search, and the table. The view stands in the address, so it can be shared. */
import { Button, Group, Kbd, Loader, Stack, Text, TextInput, Title, VisuallyHidden } from '@mantine/core';
import { useDocumentTitle, useHotkeys, useMediaQuery } from '@mantine/hooks';
import { DeviceHealth, type DeviceSummary } from '@wafer/protocol/api';
import { useDeferredValue, useMemo, useRef, useState } from 'react';
import { useSearchParams } from 'wouter';
import { useFleet } from '../api/queries.ts';
import { Icon } from '../elements/icons.tsx';
import { Empty, Failure, Loading, Ready } from '../elements/notice.tsx';
import { Panel } from '../elements/section.tsx';
import { EnrolButton } from '../enrolment/enrol-button.tsx';
import { useMemberIds } from '../groups/queries.ts';
import { DeviceCards, DeviceTable } from './device-table.tsx';
import { EnrolHelp } from './enrol-help.tsx';
import { select, SORTS, type View } from './filter.ts';
import { GroupFilter } from './group-filter.tsx';
import { HealthFilter, shownOf, SummaryStrip } from './summary-strip.tsx';
import { summarise } from './summary.ts';
import classes from './fleet-page.module.css';

/** Rows that are drawn at first, and added with every "show more". */
const ROWS = 100;

/** As it stands in the address. */
interface Asked extends Omit<View, 'members'> {
  readonly group: string | null;
}
type Change = (part: Partial<Asked>) => void;

function useView(): [Asked, Change] {
  const [search, setSearch] = useSearchParams();
  const health = DeviceHealth.safeParse(search.get('health'));
  const view: Asked = {
    text: search.get('q') ?? '',
    health: health.success ? health.data : null,
    group: search.get('group') || null,
    sort: SORTS.find((sort) => sort === search.get('sort')) ?? 'name',
  };
  const change: Change = (part) => {
    const { text, health: kind, group, sort } = { ...view, ...part };
    const entries = { q: text, health: kind ?? '', group: group ?? '', sort: sort === 'name' ? '' : sort };
    setSearch(new URLSearchParams(Object.entries(entries).filter(([, value]) => value !== '')), {
      replace: true,
    });
  };
  return [view, change];
}

function Search({ text, onText }: { text: string; onText: (text: string) => void }) {
  const field = useRef<HTMLInputElement>(null);
  useHotkeys([['/', () => field.current?.focus()]]);
  return (
    <TextInput
      ref={field}
      className={classes['search'] ?? ''}
      type="search"
      aria-label="Search devices"
      placeholder="Search name, tag, channel, app"
      leftSection={<Icon name="search" size={14} />}
      rightSection={
        text === '' ? (
          <Kbd size="xs" visibleFrom="sm">
            /
          </Kbd>
        ) : null
      }
      value={text}
      onChange={(event) => onText(event.currentTarget.value)}
    />
  );
}

function Rows({ devices, view, change }: { devices: readonly DeviceSummary[]; view: Asked; change: Change }) {
  const isNarrow = useMediaQuery('(max-width: 760px)', false, { getInitialValueInEffect: false });
  const [limit, setLimit] = useState(ROWS);
  if (devices.length === 0)
    return (
      <Empty title="No device fits" icon="search">
        <Button
          variant="default"
          size="xs"
          mt={6}
          onClick={() => change({ text: '', health: null, group: null })}
        >
          Show all devices
        </Button>
      </Empty>
    );
  const shown = devices.slice(0, limit);
  return (
    <>
      {isNarrow ? (
        <DeviceCards devices={shown} />
      ) : (
        <DeviceTable devices={shown} sort={view.sort} onSort={(sort) => change({ sort })} />
      )}
      {shown.length < devices.length && (
        <div className={classes['more']}>
          <Button variant="default" size="xs" onClick={() => setLimit(limit + ROWS)}>
            Show {Math.min(ROWS, devices.length - shown.length)} more
          </Button>
          <Text size="sm" c="dimmed">
            {shown.length} of {devices.length} shown
          </Text>
        </div>
      )}
    </>
  );
}

function Fleet({ devices, busy }: { devices: readonly DeviceSummary[]; busy: boolean }) {
  const [view, change] = useView();
  const summary = useMemo(() => summarise(devices), [devices]);
  const text = useDeferredValue(view.text);
  const members = useMemberIds(view.group);
  const shown = useMemo(
    () => select(devices, { text, health: view.health, members, sort: view.sort }),
    [devices, text, view.health, members, view.sort],
  );
  return (
    <Stack gap="md">
      <SummaryStrip summary={summary} />
      <Panel>
        <Group className={classes['tools'] ?? ''} gap="sm">
          <Search text={view.text} onText={(next) => change({ text: next })} />
          <HealthFilter summary={summary} health={view.health} onHealth={(health) => change({ health })} />
          <GroupFilter group={view.group} onGroup={(group) => change({ group })} />
          <Text size="sm" c="dimmed" ml="auto" aria-live="polite" className={classes['count'] ?? ''}>
            {busy && <Loader size={12} mr={6} />}
            {shownOf(shown.length, devices.length)}
          </Text>
          <EnrolButton variant="default" />
        </Group>
        <Rows key={`${text}|${view.health}|${view.group}`} devices={shown} view={view} change={change} />
      </Panel>
    </Stack>
  );
}

export function FleetPage() {
  useDocumentTitle('Fleet · Wafer');
  const fleet = useFleet();
  const devices = useMemo(() => fleet.data?.pages.flatMap(({ items }) => items), [fleet.data]);
  return (
    <>
      <VisuallyHidden>
        <Title order={1}>Fleet</Title>
      </VisuallyHidden>
      <Ready query={{ ...fleet, data: devices }} loading={<Loading rows={6} height={28} />}>
        {(all) =>
          all.length === 0 ? (
            <Panel>
              <EnrolHelp />
            </Panel>
          ) : (
            <Fleet devices={all} busy={fleet.isFetchingNextPage} />
          )
        }
      </Ready>
      {fleet.isFetchNextPageError && (
        <Failure error={fleet.error} onRetry={() => void fleet.fetchNextPage()} />
      )}
      {fleet.hasNextPage && !fleet.isFetching && (
        <div className={classes['more']}>
          <Button variant="default" size="xs" onClick={() => void fleet.fetchNextPage()}>
            Load more devices
          </Button>
        </div>
      )}
    </>
  );
}
