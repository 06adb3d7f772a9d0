/** One group: what it asks for, and who is in it. */
import { Anchor, Breadcrumbs, Button, Group, Modal, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { GroupView } from '@wafer/protocol/groups';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useMayOperate } from '../api/queries.ts';
import { Facts } from '../elements/facts.tsx';
import { Failure, Loading, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { When } from '../elements/when.tsx';
import { counted } from '../format/quantity.ts';
import { groupAt } from './address.ts';
import { EditGroupDialog } from './group-dialog.tsx';
import { Members } from './members.tsx';
import { useDeleteGroup, useGroup } from './queries.ts';
import classes from './groups.module.css';

function Deletion({ group, onClose }: { group: GroupView; onClose: () => void }) {
  const remove = useDeleteGroup();
  const [, go] = useLocation();
  return (
    <Stack gap="md">
      <Text>
        {group.kind === 'static' && group.devices > 0
          ? `Its ${counted(group.devices, 'device')} stay in the fleet, in no static group.`
          : 'Devices stay as they are.'}{' '}
        Rollouts that have ended keep their record.
      </Text>
      {remove.error && <Failure error={remove.error} />}
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          Keep
        </Button>
        <Button
          color="red"
          loading={remove.isPending}
          onClick={() => remove.mutate(group.name, { onSuccess: () => go('/groups') })}
        >
          Delete
        </Button>
      </Group>
    </Stack>
  );
}

function Actions({ group }: { group: GroupView }) {
  const [open, setOpen] = useState<'edit' | 'delete' | null>(null);
  const close = () => setOpen(null);
  return (
    <Group gap="xs" wrap="nowrap">
      <Button variant="default" size="xs" onClick={() => setOpen('edit')}>
        Change…
      </Button>
      <Button variant="default" size="xs" onClick={() => setOpen('delete')}>
        Delete…
      </Button>
      <EditGroupDialog group={group} opened={open === 'edit'} onClose={close} />
      <Modal opened={open === 'delete'} onClose={close} title={`Delete ${group.name}?`} centered>
        <Deletion group={group} onClose={close} />
      </Modal>
    </Group>
  );
}

function Shown({ group }: { group: GroupView }) {
  const mayOperate = useMayOperate();
  const fleetOf = `/?group=${encodeURIComponent(group.name)}`;
  return (
    <Stack gap="md">
      <Section title="Group" aside={mayOperate && <Actions group={group} />}>
        <Facts
          facts={[
            group.description !== '' && ['Purpose', group.description],
            [
              'Who',
              group.kind === 'static' ? (
                'A list of devices'
              ) : (
                <code key="query" className={classes['query']}>
                  {group.query}
                </code>
              ),
            ],
            [
              'Devices',
              <Anchor key="devices" component={Link} href={fleetOf} inherit data-testid="group-devices">
                {counted(group.devices, 'device')} in the fleet
              </Anchor>,
            ],
            [
              'Made',
              <span key="made">
                by {group.createdBy}, <When at={group.created} />
              </span>,
            ],
          ]}
        />
      </Section>
      <Members group={group} />
    </Stack>
  );
}

export function GroupPage() {
  const [name] = useState(() => groupAt(window.location.pathname));
  useDocumentTitle(`${name} · Wafer`);
  const group = useGroup(name);
  return (
    <>
      <header className={classes['header']}>
        <Breadcrumbs separator="/" separatorMargin={6} className={classes['sub'] ?? ''}>
          <Anchor component={Link} href="/groups" size="sm">
            Groups
          </Anchor>
          <span>{group.data?.kind === 'static' ? 'Static group' : 'Dynamic group'}</span>
        </Breadcrumbs>
        <Title order={1}>{name}</Title>
      </header>
      <Ready query={group} loading={<Loading rows={6} height={28} />}>
        {(shown) => <Shown group={shown} />}
      </Ready>
    </>
  );
}
