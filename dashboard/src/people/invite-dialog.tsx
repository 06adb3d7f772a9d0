/** Invites somebody, and shows the link that lets them in; it is shown this once. */
import { Button, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import type { InvitedPerson, Role } from '@wafer/protocol/api';
import { useState, type SyntheticEvent } from 'react';
import { Command } from '../elements/copy.tsx';
import { Failure } from '../elements/notice.tsx';
import { fullTime } from '../format/time.ts';
import { useInvite } from './queries.ts';
import { ROLES } from './roles.ts';

export function InvitationLink({ invited }: { invited: InvitedPerson }) {
  return (
    <Stack gap="sm">
      <Text>
        Hand this link over yourself: whoever opens it is signed in. It works once, and until{' '}
        {fullTime(Date.parse(invited.expires))}.
      </Text>
      <Command>{invited.url}</Command>
    </Stack>
  );
}

function Form({ onClose }: { onClose: () => void }) {
  const invite = useInvite();
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    invite.mutate({ name: name.trim(), email: email.trim(), role });
  };
  if (invite.data)
    return (
      <Stack gap="md">
        <InvitationLink invited={invite.data} />
        <Button variant="default" onClick={onClose}>
          Done
        </Button>
      </Stack>
    );
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          label="Name"
          required
          maxLength={100}
          data-autofocus
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
        />
        <TextInput
          label="Email address"
          description="Names the person. Nothing is sent to it."
          type="email"
          required
          value={email}
          onChange={({ currentTarget }) => setEmail(currentTarget.value)}
        />
        <Select
          label="Role"
          data={ROLES}
          value={role}
          allowDeselect={false}
          onChange={(value) => value !== null && setRole(value)}
        />
        {invite.error && <Failure error={invite.error} />}
        <Button type="submit" loading={invite.isPending}>
          Make the link
        </Button>
      </Stack>
    </form>
  );
}

export function InviteDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Invite somebody" centered>
      <Form onClose={onClose} />
    </Modal>
  );
}
