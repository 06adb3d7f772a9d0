/** Each channel with the release that it holds of every app, what is being rolled out to it, and how many devices follow it. */
import { Group, Stack, Table, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ChannelView } from '@wafer/protocol/api';
import { useState } from 'react';
import { Link } from 'wouter';
import { useChannels } from '../api/queries.ts';
import { Command } from '../elements/copy.tsx';
import { Empty, Loading, Ready } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { When } from '../elements/when.tsx';
import { counted } from '../format/quantity.ts';
import { MoveDialog, type MoveStart } from '../releases/move-dialog.tsx';
import { MoveButton } from '../releases/move-button.tsx';
import { NewRolloutButton } from '../rollouts/new-button.tsx';
import { OpenRollouts } from '../rollouts/open-rollouts.tsx';
import table from '../elements/table.module.css';
import classes from '../releases/releases.module.css';

function Channel({ channel, onMove }: { channel: ChannelView; onMove: (start: MoveStart) => void }) {
  return (
    <Section
      title={channel.name}
      flush
      aside={
        <Group gap="sm" wrap="nowrap">
          <Text c="dimmed" data-testid="channel-devices">
            {counted(channel.devices, 'device')}
            <Text span visibleFrom="sm" inherit>
              {' '}
              subscribed
            </Text>
          </Text>
          <NewRolloutButton start={{ channel: channel.name }} variant="default" />
        </Group>
      }
    >
      <OpenRollouts channel={channel.name} />
      {channel.apps.length === 0 ? (
        <Empty title="This channel holds no release">
          Make a release current in it from the release's page.
        </Empty>
      ) : (
        <Table className={table['middle'] ?? ''} verticalSpacing={7} horizontalSpacing="md">
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col" w="40%">
                App
              </Table.Th>
              <Table.Th scope="col">Current release</Table.Th>
              <Table.Th scope="col" w={110} aria-label="Actions" />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {channel.apps.map(({ app, version, since }) => (
              <Table.Tr key={app} data-testid="channel-row">
                <Table.Th scope="row">{app}</Table.Th>
                <Table.Td>
                  <Link href={`/releases/${app}/${version}`} className={classes['version']}>
                    {version}
                  </Link>{' '}
                  <span className={classes['sub']}>
                    since <When at={since} />
                  </span>
                </Table.Td>
                <Table.Td ta="right">
                  <MoveButton onClick={() => onMove({ app, channel: channel.name })}>Move…</MoveButton>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Section>
  );
}

export function ChannelsPage() {
  useDocumentTitle('Channels · Wafer');
  const channels = useChannels();
  const [move, setMove] = useState<MoveStart | null>(null);
  return (
    <Stack gap="md">
      <Title order={1}>Channels</Title>
      <Ready query={channels} loading={<Loading rows={5} height={28} />}>
        {({ items }) =>
          items.length === 0 ? (
            <Section title="No channel yet">
              <Empty title="Channels appear with their first release or device" icon="channel">
                <Stack gap={10} align="stretch" mt={6}>
                  <Command>npm run wafer -- publish FILE --app NAME --version 1.0.0 --channel stable</Command>
                </Stack>
              </Empty>
            </Section>
          ) : (
            items.map((channel) => <Channel key={channel.name} channel={channel} onMove={setMove} />)
          )
        }
      </Ready>
      <MoveDialog start={move} onClose={() => setMove(null)} />
    </Stack>
  );
}
