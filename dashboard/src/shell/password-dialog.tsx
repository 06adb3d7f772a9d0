/** Sets one's own password; every other session of one's own ends with it. */
import { Modal, PasswordInput, Text } from '@mantine/core';
import { useState } from 'react';
import { DialogForm } from '../elements/dialog-form.tsx';
import { useSetPassword } from './sign-in.ts';

function Form({ onClose }: { onClose: () => void }) {
  const set = useSetPassword();
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  return (
    <DialogForm
      action="Set the password"
      sending={set}
      onSend={() => set.mutate({ password, ...(current === '' ? {} : { current }) })}
      onClose={onClose}
      outcome={set.isSuccess && <Text>It is set. You are signed out everywhere but here.</Text>}
    >
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
    </DialogForm>
  );
}

export function PasswordDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Your password" centered>
      <Form onClose={onClose} />
    </Modal>
  );
}
