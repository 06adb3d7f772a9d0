/** Invites somebody, and shows the link that lets them in; it is shown this once. */
import { Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import type { InvitedPerson, Role } from '@wafer/protocol/api';
import { useState } from 'react';
import { Command } from '../elements/copy.tsx';
import { DialogForm } from '../elements/dialog-form.tsx';
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
  return (
    <DialogForm
      action="Make the link"
      sending={invite}
      onSend={() => invite.mutate({ name: name.trim(), email: email.trim(), role })}
      onClose={onClose}
      outcome={invite.data && <InvitationLink invited={invite.data} />}
    >
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
    </DialogForm>
  );
}

export function InviteDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Invite somebody" centered>
      <Form onClose={onClose} />
    </Modal>
  );
}
