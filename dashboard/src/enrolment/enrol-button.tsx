/** Opens the dialog that enrols a board; nothing for viewers, who may not enrol. */
import { Button } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { useMayOperate } from '../api/queries.ts';

const EnrolDialog = lazy(async () => ({ default: (await import('./enrol-dialog.tsx')).EnrolDialog }));

export function EnrolButton({ variant }: { variant: 'default' | 'filled' }) {
  const [isOpen, setOpen] = useState(false);
  if (!useMayOperate()) return null;
  return (
    <>
      <Button size="xs" variant={variant} onClick={() => setOpen(true)}>
        Enrol a board…
      </Button>
      {isOpen && (
        <Suspense fallback={null}>
          <EnrolDialog onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}
