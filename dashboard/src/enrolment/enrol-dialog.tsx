/** How a board joins: a claim token, and the two commands to type on the board. */
import { Modal, NumberInput, Select, SimpleGrid, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import type { CreatedClaim } from '@wafer/protocol/api';
import { ChannelName } from '@wafer/protocol/ids';
import { useState } from 'react';
import { useChannels } from '../api/queries.ts';
import { Command } from '../elements/copy.tsx';
import { DialogForm } from '../elements/dialog-form.tsx';
import { counted } from '../format/quantity.ts';
import { fullTime } from '../format/time.ts';
import { parseTags } from './claims.ts';
import { useCreateClaim } from './queries.ts';

const MAX_USES = 10_000;
const HOUR_SECONDS = 3600;
const LIVES = [
  { value: String(HOUR_SECONDS), label: 'an hour' },
  { value: String(24 * HOUR_SECONDS), label: 'a day' },
  { value: String(7 * 24 * HOUR_SECONDS), label: 'a week' },
  { value: String(30 * 24 * HOUR_SECONDS), label: '30 days' },
];

function Commands({ claim }: { claim: CreatedClaim }) {
  return (
    <Stack gap="sm" data-testid="made-claim">
      <Text>On a board with the package this enrols, enables and starts the agent:</Text>
      <Command>{`sudo wafer-agent enrol ${claim.token} --server ${claim.server}`}</Command>
      <Text>Or in a clone of this project: enrol once,</Text>
      <Command>{`npm run agent -- enrol ${claim.token} --server ${claim.server} --data data/board`}</Command>
      <Text>then start the agent:</Text>
      <Command>npm run agent -- run --data data/board</Command>
      <Text>The board appears in the fleet by itself.</Text>
      <Text size="sm" c="dimmed">
        The token enrols {counted(claim.uses, 'board')} until {fullTime(Date.parse(claim.expires))}. It is
        shown this once.
      </Text>
    </Stack>
  );
}

function ClaimForm({ onClose }: { onClose: () => void }) {
  const known = useChannels().data?.items.map(({ name }) => name) ?? [];
  const create = useCreateClaim();
  const [name, setName] = useState('');
  const [channels, setChannels] = useState<string[]>(['stable']);
  const [group, setGroup] = useState('');
  const [typedTags, setTags] = useState<string[]>([]);
  const [uses, setUses] = useState<number>(1);
  const [life, setLife] = useState(LIVES[1]!.value);
  const parsed = ChannelName.array().safeParse(channels);
  const tags = parseTags(typedTags);
  const send = (): void => {
    if (!parsed.success || tags === undefined) return;
    create.mutate({
      channels: parsed.data,
      uses,
      tags,
      expiresInSeconds: Number(life),
      ...(name.trim() === '' ? {} : { name: name.trim() }),
      ...(group.trim() === '' ? {} : { group: group.trim() }),
    });
  };
  return (
    <DialogForm
      action="Make a claim token"
      sending={create}
      onSend={send}
      onClose={onClose}
      outcome={create.data && <Commands claim={create.data} />}
    >
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <TextInput
          label="Name"
          description="In the list of tokens"
          maxLength={100}
          data-autofocus
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
        />
        <TextInput
          label="Group"
          description="Of the boards; may be empty"
          maxLength={100}
          value={group}
          onChange={({ currentTarget }) => setGroup(currentTarget.value)}
        />
      </SimpleGrid>
      <TagsInput
        label="Channels"
        description="Which the board follows; the first that holds an app wins"
        data={known}
        value={channels}
        onChange={setChannels}
        error={parsed.success ? null : 'A name is a-z, 0-9 and -, and starts with a letter'}
      />
      <TagsInput
        label="Tags"
        description="Each as name=value"
        value={typedTags}
        onChange={setTags}
        error={tags === undefined ? 'Write name=value' : null}
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <NumberInput
          label="Boards"
          description="How many may enrol with it"
          min={1}
          max={MAX_USES}
          allowDecimal={false}
          value={uses}
          onChange={(value) => setUses(Math.min(MAX_USES, Math.max(1, Number(value) || 1)))}
        />
        <Select
          label="Works for"
          description="Shorter is safer"
          data={LIVES}
          value={life}
          allowDeselect={false}
          onChange={(value) => value !== null && setLife(value)}
        />
      </SimpleGrid>
    </DialogForm>
  );
}

export function EnrolDialog({ onClose }: { onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title="Enrol a board" size="lg" centered>
      <ClaimForm onClose={onClose} />
    </Modal>
  );
}
