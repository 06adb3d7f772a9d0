/** Sets one's own password; every other session of one's own ends with it. */
import { Button, Modal, PasswordInput, Stack, Text } from '@mantine/core';
import { useState, type SyntheticEvent } from 'react';
import { Failure } from '../elements/notice.tsx';
import { useSetPassword } from './sign-in.ts';

function Form({ onClose }: { onClose: () => void }) {
  const set = useSetPassword();
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    set.mutate({ password, ...(current === '' ? {} : { current }) });
  };
  if (set.isSuccess)
    return (
      <Stack gap="md">
        <Text>It is set. You are signed out everywhere but here.</Text>
        <Button variant="default" onClick={onClose}>
          Done
        </Button>
      </Stack>
    );
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <PasswordInput
          label="Current password"
          description="Leave it empty if you have none, or have just signed in."
          autoComplete="current-password"
          maxLength={128}
          value={current}
          onChange={({ currentTarget }) => setCurrent(currentTarget.value)}
        />
        <PasswordInput
          label="New password"
          description="12 characters or more."
          autoComplete="new-password"
          required
          minLength={12}
          maxLength={128}
          data-autofocus
          value={password}
          onChange={({ currentTarget }) => setPassword(currentTarget.value)}
        />
        {set.error && <Failure error={set.error} />}
        <Button type="submit" loading={set.isPending}>
          Set the password
        </Button>
      </Stack>
    </form>
  );
}

export function PasswordDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Your password" centered>
      <Form onClose={onClose} />
    </Modal>
  );
}
