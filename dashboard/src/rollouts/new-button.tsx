/** The way to a new rollout; nothing for viewers, who may not make one. */
import { Button } from '@mantine/core';
import { Link } from 'wouter';
import { useMayOperate } from '../api/queries.ts';

export function NewRolloutButton({ channel, variant }: { channel?: string; variant: 'default' | 'filled' }) {
  if (!useMayOperate()) return null;
  return (
    <Button
      component={Link}
      href={`/rollouts/new${channel === undefined ? '' : `?channel=${channel}`}`}
      size="xs"
      variant={variant}
    >
      New rollout
    </Button>
  );
}
