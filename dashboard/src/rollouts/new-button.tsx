/** The way to a new rollout; nothing for viewers, who may not make one. */
import { Button } from '@mantine/core';
import { Link } from 'wouter';
import { useMayOperate } from '../api/queries.ts';

interface Props {
  readonly variant: 'default' | 'filled';
  /** What the order begins with; the rest is chosen there. */
  readonly start?: Readonly<Partial<Record<'channel' | 'app' | 'version', string>>>;
}

export function NewRolloutButton({ variant, start = {} }: Props) {
  if (!useMayOperate()) return null;
  const query = new URLSearchParams(start).toString();
  return (
    <Button
      component={Link}
      href={`/rollouts/new${query === '' ? '' : `?${query}`}`}
      size="xs"
      variant={variant}
    >
      New rollout
    </Button>
  );
}
