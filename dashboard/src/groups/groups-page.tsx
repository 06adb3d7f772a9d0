/** Every group with how many devices are in it now. */
import { Button, Group, Stack, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { GroupView } from '@wafer/protocol/groups';
import { useState } from 'react';
import { Link } from 'wouter';
import { useMayOperate } from '../api/queries.ts';
import { Empty, Loading, Ready } from '../elements/notice.tsx';
import { Panel } from '../elements/section.tsx';
import { counted } from '../format/quantity.ts';
import { addressOf } from './address.ts';
import { NewGroupDialog } from './group-dialog.tsx';
import { useGroups } from './queries.ts';
import classes from './groups.module.css';

function Row({ group }: { group: GroupView }) {
  return (
    <li className={classes['row']} data-testid="group">
      <div className={classes['who']}>
        <Link href={addressOf(group.name)} className={classes['name']}>
          {group.name}
        </Link>
        {group.description !== '' && <span className={classes['sub']}>{group.description}</span>}
      </div>
      <span className={classes['count']}>{counted(group.devices, 'device')}</span>
      {group.kind === 'dynamic' ? (
        <code className={classes['query']}>{group.query}</code>
      ) : (
        <span className={classes['sub']}>a list of devices</span>
      )}
    </li>
  );
}

export function GroupsPage() {
  useDocumentTitle('Groups · Wafer');
  const groups = useGroups();
  const mayOperate = useMayOperate();
  const [isNew, setNew] = useState(false);
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Title order={1}>Groups</Title>
        {mayOperate && (
          <Button size="xs" onClick={() => setNew(true)}>
            New group…
          </Button>
        )}
      </Group>
      <Panel>
        <Ready query={groups} loading={<Loading rows={5} height={28} />}>
          {(all) =>
            all.length === 0 ? (
              <Empty title="No group yet" icon="group">
                A group is a list of devices, or a saved query such as{' '}
                <code className={classes['query']}>tag.site = berlin and online</code>. Rollouts can go to
                one, or begin with it.
              </Empty>
            ) : (
              <ul className={classes['list']}>
                {all.map((group) => (
                  <Row key={group.name} group={group} />
                ))}
              </ul>
            )
          }
        </Ready>
      </Panel>
      <NewGroupDialog opened={isNew} onClose={() => setNew(false)} />
    </Stack>
  );
}
