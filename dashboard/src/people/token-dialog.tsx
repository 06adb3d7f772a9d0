/** Makes an API token, and shows it this once. */
import { Button, Modal, MultiSelect, Select, Stack, Text, TextInput } from '@mantine/core';
import { type Role, TOKEN_SCOPES } from '@wafer/protocol/people';
import { useState, type SyntheticEvent } from 'react';
import { Command } from '../elements/copy.tsx';
import { Failure } from '../elements/notice.tsx';
import { useCreateToken } from './queries.ts';
import { ROLES } from './roles.ts';

const DAY_SECONDS = 86_400;
const LIVES = [
  { value: String(30 * DAY_SECONDS), label: '30 days' },
  { value: String(90 * DAY_SECONDS), label: '90 days' },
  { value: String(365 * DAY_SECONDS), label: 'a year' },
  { value: '', label: 'until it is deleted' },
];

function Form({ onClose }: { onClose: () => void }) {
  const create = useCreateToken();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('operator');
  const [scopes, setScopes] = useState<string[]>([]);
  const [life, setLife] = useState(LIVES[1]!.value);
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    create.mutate({
      name: name.trim(),
      role,
      ...(scopes.length === 0 ? {} : { scopes }),
      ...(life === '' ? {} : { expiresInSeconds: Number(life) }),
    });
  };
  if (create.data)
    return (
      <Stack gap="md">
        <Text>This is the only time that it is shown. Keep it where the script finds it.</Text>
        <Command>{create.data.token}</Command>
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
        {create.error && <Failure error={create.error} />}
        <Button type="submit" loading={create.isPending}>
          Make the token
        </Button>
      </Stack>
    </form>
  );
}

export function TokenDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="New API token" centered>
      <Form onClose={onClose} />
    </Modal>
  );
}
