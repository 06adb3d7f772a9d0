/** Makes an API token, and shows it this once. */
import { Modal, MultiSelect, Select, Text, TextInput } from '@mantine/core';
import { type Role, TOKEN_SCOPES } from '@wafer/protocol/people';
import { useState } from 'react';
import { Command } from '../elements/copy.tsx';
import { DialogForm } from '../elements/dialog-form.tsx';
import { useCreateToken } from './queries.ts';
import { ROLES } from './roles.ts';

const DAY_SECONDS = 86_400;
const LIVES = [
  { value: String(30 * DAY_SECONDS), label: '30 days' },
  { value: String(90 * DAY_SECONDS), label: '90 days' },
  { value: String(365 * DAY_SECONDS), label: 'a year' },
  { value: '', label: 'until it is deleted' },
];

const Made = ({ token }: { token: string }) => (
  <>
    <Text>This is the only time that it is shown. Keep it where the script finds it.</Text>
    <Command>{token}</Command>
  </>
);

function Form({ onClose }: { onClose: () => void }) {
  const create = useCreateToken();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('operator');
  const [scopes, setScopes] = useState<string[]>([]);
  const [life, setLife] = useState(LIVES[1]!.value);
  const send = (): void =>
    create.mutate({
      name: name.trim(),
      role,
      ...(scopes.length === 0 ? {} : { scopes }),
      ...(life === '' ? {} : { expiresInSeconds: Number(life) }),
    });
  return (
    <DialogForm
      action="Make the token"
      sending={create}
      onSend={send}
      onClose={onClose}
      outcome={create.data && <Made token={create.data.token} />}
    >
      <TextInput
        label="Name"
        description="Stands in the audit beside all that is done with it."
        required
        maxLength={100}
        data-autofocus
        value={name}
        onChange={({ currentTarget }) => setName(currentTarget.value)}
      />
      <Select
        label="Role"
        data={ROLES}
        value={role}
        allowDeselect={false}
        onChange={(value) => value !== null && setRole(value)}
      />
      <MultiSelect
        label="Only for"
        description="Nothing chosen: whatever the role may. Write does not include read."
        data={[...TOKEN_SCOPES]}
        value={scopes}
        onChange={setScopes}
        clearable
        searchable
      />
      <Select
        label="Works for"
        data={LIVES}
        value={life}
        allowDeselect={false}
        onChange={(value) => value !== null && setLife(value)}
      />
    </DialogForm>
  );
}

export function TokenDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="New API token" centered>
      <Form onClose={onClose} />
    </Modal>
  );
}
