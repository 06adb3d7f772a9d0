/** Makes a release current in a channel, after saying what that will do. */
import { Autocomplete, Button, Group, Modal, Select, Stack, Text } from '@mantine/core';
import type { ChannelView, MovedChannel, ReleaseView } from '@wafer/protocol/api';
import { ChannelName } from '@wafer/protocol/ids';
import { useState } from 'react';
import { useChannels, useMove, useReleases, type Move } from '../api/queries.ts';
import { Failure, Loading } from '../elements/notice.tsx';
import { Status } from '../elements/status.tsx';
import { counted } from '../format/quantity.ts';
import { planMove, type MovePlan } from './moves.ts';

/** What the dialog begins with; the rest is chosen in it. */
export interface MoveStart {
  readonly app: string;
  readonly version?: string;
  readonly channel?: string;
}

function consequence(plan: MovePlan, channel: string, version: string): string {
  const whom =
    plan.devices === 0
      ? 'No device is subscribed yet'
      : `${counted(plan.devices, 'device')} will be told at once`;
  switch (plan.kind) {
    case 'same':
      return `${channel} holds ${version} already.`;
    case 'first':
      return `${channel} gets ${version} as its first release of this app. ${whom}.`;
    case 'forward':
      return `${channel} goes from ${plan.from} to ${version}. ${whom}.`;
    case 'back':
      return `${channel} goes back from ${plan.from} to ${version}. ${whom}.`;
  }
}

interface Chosen {
  readonly channel: string;
  readonly version: string | null;
}

function Choice({
  start,
  chosen,
  releases,
  channels,
  onChoose,
}: {
  start: MoveStart;
  chosen: Chosen;
  releases: readonly ReleaseView[];
  channels: readonly ChannelView[];
  onChoose: (chosen: Chosen) => void;
}) {
  const isName = ChannelName.safeParse(chosen.channel).success;
  return (
    <>
      {start.version === undefined && (
        <Select
          label="Release"
          data-autofocus
          allowDeselect={false}
          data={releases.map(({ version }) => version)}
          value={chosen.version}
          onChange={(version) => onChoose({ ...chosen, version })}
        />
      )}
      {start.channel === undefined && (
        <Autocomplete
          label="Channel"
          description="One that exists, or the name of a new one"
          data-autofocus
          data={channels.map(({ name }) => name)}
          value={chosen.channel}
          onChange={(channel) => onChoose({ ...chosen, channel })}
          error={
            chosen.channel !== '' && !isName ? 'A name is a-z, 0-9 and -, and starts with a letter' : null
          }
        />
      )}
    </>
  );
}

interface FormProps {
  readonly start: MoveStart;
  readonly releases: readonly ReleaseView[];
  readonly channels: readonly ChannelView[];
  readonly onDone: () => void;
}

const Moved = ({ moved, onDone }: { moved: MovedChannel; onDone: () => void }) => (
  <Stack>
    <Status look={{ tone: 'ok', icon: 'ok', word: '' }}>
      {moved.channel} holds {moved.app} {moved.version}
    </Status>
    <Text>{counted(moved.devices, 'device was', 'devices were')} told.</Text>
    <Group justify="flex-end">
      <Button onClick={onDone}>Close</Button>
    </Group>
  </Stack>
);

const Consequence = ({ plan, move }: { plan: MovePlan; move: Move }) => (
  <>
    <Text {...(plan.kind === 'back' ? { 'data-tone': 'warn' } : {})} aria-live="polite">
      {consequence(plan, move.channel, move.version)}
    </Text>
    {plan.kind !== 'same' && (
      <Text size="sm" c="dimmed">
        Grants, configuration and limits stay as the channel has them; for a new app it gets what the release
        asks for. A device that finds the release unhealthy goes back by itself.
      </Text>
    )}
  </>
);

/** The chosen move and what it means; undefined until both are chosen. */
function chosenMove(chosen: Chosen, ofApp: readonly ReleaseView[], channels: readonly ChannelView[]) {
  const release = ofApp.find(({ version }) => version === chosen.version);
  const channel = ChannelName.safeParse(chosen.channel);
  if (release === undefined || !channel.success) return undefined;
  const current = channels.find(({ name }) => name === channel.data);
  const move: Move = { channel: channel.data, app: release.app, version: release.version };
  return { move, plan: planMove(release, ofApp, current) };
}

function MoveForm({ start, releases, channels, onDone }: FormProps) {
  const move = useMove();
  const ofApp = releases.filter(({ app }) => app === start.app).toSorted((a, b) => b.counter - a.counter);
  const [chosen, choose] = useState<Chosen>({
    channel: start.channel ?? '',
    version: start.version ?? ofApp[0]?.version ?? null,
  });
  const next = chosenMove(chosen, ofApp, channels);
  if (move.data) return <Moved moved={move.data} onDone={onDone} />;
  return (
    <Stack>
      <Choice start={start} chosen={chosen} releases={ofApp} channels={channels} onChoose={choose} />
      {next && <Consequence {...next} />}
      {move.error && <Failure error={move.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onDone}>
          Cancel
        </Button>
        <Button
          disabled={next === undefined || next.plan.kind === 'same'}
          loading={move.isPending}
          onClick={() => {
            if (next) move.mutate(next.move);
          }}
        >
          {next ? `Make ${next.move.version} current in ${next.move.channel}` : 'Make current'}
        </Button>
      </Group>
    </Stack>
  );
}

export function MoveDialog({ start, onClose }: { start: MoveStart | null; onClose: () => void }) {
  const releases = useReleases();
  const channels = useChannels();
  const title =
    start?.channel === undefined
      ? `Make ${start?.app} ${start?.version} current`
      : `Move ${start.app} in ${start.channel}`;
  const error = releases.error ?? channels.error;
  return (
    <Modal opened={start !== null} onClose={onClose} title={title} centered>
      {error && <Failure error={error} />}
      {start !== null && releases.data && channels.data ? (
        <MoveForm
          start={start}
          releases={releases.data.pages.flatMap(({ items }) => items)}
          channels={channels.data.items}
          onDone={onClose}
        />
      ) : (
        !error && <Loading rows={3} />
      )}
    </Modal>
  );
}
