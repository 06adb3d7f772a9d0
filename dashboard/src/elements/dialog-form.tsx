/** The form inside a dialog; once it was sent, what came of it stands in its place. */
import { Button, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { Failure } from './notice.tsx';

interface Props {
  /** On the button that sends it. */
  readonly action: string;
  readonly sending: { readonly isPending: boolean; readonly error: unknown };
  readonly onSend: () => void;
  readonly onClose: () => void;
  /** What came of it, when it has come. */
  readonly outcome: ReactNode;
  readonly children: ReactNode;
}

export function DialogForm({ action, sending, onSend, onClose, outcome, children }: Props) {
  if (outcome)
    return (
      <Stack gap="md">
        {outcome}
        <Button variant="default" onClick={onClose}>
          Done
        </Button>
      </Stack>
    );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSend();
      }}
    >
      <Stack gap="sm">
        {children}
        {sending.error !== null && <Failure error={sending.error} />}
        <Button type="submit" loading={sending.isPending}>
          {action}
        </Button>
      </Stack>
    </form>
  );
}
