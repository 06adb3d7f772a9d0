/** How a board joins: a claim token, and the two commands to type on the board. */
import { Button, Group, Modal, NumberInput, Stack, TagsInput, Text } from '@mantine/core';
import type { CreatedClaim } from '@wafer/protocol/api';
import { ChannelName } from '@wafer/protocol/ids';
import { useState } from 'react';
import { useChannels, useCreateClaim } from '../api/queries.ts';
import { Command } from '../elements/copy.tsx';
import { Failure } from '../elements/notice.tsx';
import { counted } from '../format/quantity.ts';
import { fullTime } from '../format/time.ts';

const MAX_USES = 10_000;

function Commands({ claim }: { claim: CreatedClaim }) {
  return (
    <Stack gap="sm">
      <Text>On the board, in a clone of this project, enrol once:</Text>
      <Command>{`npm run agent -- enrol ${claim.token} --server ${claim.server} --data data/board`}</Command>
      <Text>Then start its agent; the board appears in the fleet by itself:</Text>
      <Command>npm run agent -- run --data data/board</Command>
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
  const [channels, setChannels] = useState<string[]>(['stable']);
  const [uses, setUses] = useState<number>(1);
  const parsed = ChannelName.array().safeParse(channels);
  if (create.data)
    return (
      <Stack>
        <Commands claim={create.data} />
        <Group justify="flex-end">
          <Button onClick={onClose}>Done</Button>
        </Group>
      </Stack>
    );
  return (
    <Stack>
      <TagsInput
        label="Channels"
        description="Which the board follows; the first that holds an app wins"
        data={known}
        value={channels}
        onChange={setChannels}
        error={parsed.success ? null : 'A name is a-z, 0-9 and -, and starts with a letter'}
      />
      <NumberInput
        label="Boards"
        description="How many may enrol with this token, within a day"
        min={1}
        max={MAX_USES}
        allowDecimal={false}
        value={uses}
        onChange={(value) => setUses(Math.min(MAX_USES, Math.max(1, Number(value) || 1)))}
      />
      {create.error && <Failure error={create.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          disabled={!parsed.success}
          loading={create.isPending}
          onClick={() => {
            if (parsed.success) create.mutate({ channels: parsed.data, uses });
          }}
        >
          Make a claim token
        </Button>
      </Group>
    </Stack>
  );
}

export function EnrolDialog({ onClose }: { onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title="Enrol a board" size="lg" centered>
      <ClaimForm onClose={onClose} />
    </Modal>
  );
}
