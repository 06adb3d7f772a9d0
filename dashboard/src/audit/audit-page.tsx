/** Who changed what, when and from where; and whether that record holds. For admins. */
import { Button, Group, Stack, TextInput, Title } from '@mantine/core';
import { useDebouncedValue, useDocumentTitle } from '@mantine/hooks';
import { useState } from 'react';
import { Icon } from '../elements/icons.tsx';
import { Empty, Loading, Ready } from '../elements/notice.tsx';
import { Older } from '../elements/older.tsx';
import { Panel } from '../elements/section.tsx';
import classes from './audit.module.css';
import { ChainStatus } from './chain-status.tsx';
import { EventList } from './event-list.tsx';
import { useAudit, type AuditFilter } from './queries.ts';

const ALL: AuditFilter = { target: '', actor: '' };
const TYPING_MS = 250;

function Filter({ filter, onFilter }: { filter: AuditFilter; onFilter: (next: AuditFilter) => void }) {
  return (
    <Group className={classes['tools'] ?? ''} gap="sm">
      <TextInput
        className={classes['field'] ?? ''}
        size="xs"
        aria-label="Target"
        placeholder="Target: a device, channel:stable, app:thermo…"
        leftSection={<Icon name="search" size={14} />}
        value={filter.target}
        onChange={({ currentTarget }) => onFilter({ ...filter, target: currentTarget.value })}
      />
      <TextInput
        className={classes['field'] ?? ''}
        size="xs"
        aria-label="Who"
        placeholder="Who: user:ann, token:ci, device:…"
        leftSection={<Icon name="person" size={14} />}
        value={filter.actor}
        onChange={({ currentTarget }) => onFilter({ ...filter, actor: currentTarget.value })}
      />
    </Group>
  );
}

export function AuditPage() {
  useDocumentTitle('Audit · Wafer');
  const [filter, setFilter] = useState(ALL);
  const [asked] = useDebouncedValue(filter, TYPING_MS);
  const audit = useAudit(asked);
  const events = audit.data?.pages.flatMap(({ items }) => items);
  return (
    <Stack gap="md">
      <Title order={1}>Audit</Title>
      <Panel>
        <ChainStatus />
        <Filter filter={filter} onFilter={setFilter} />
        <Ready query={{ ...audit, data: events }} loading={<Loading rows={6} height={28} />}>
          {(all) =>
            all.length === 0 ? (
              <Empty title="No event fits" icon="search">
                <Button variant="default" size="xs" mt={6} onClick={() => setFilter(ALL)}>
                  Show all events
                </Button>
              </Empty>
            ) : (
              <EventList events={all} />
            )
          }
        </Ready>
        <Older query={audit} what="events" />
      </Panel>
    </Stack>
  );
}
