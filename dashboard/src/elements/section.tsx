/** Panels, with a title and without; what pages are made of. */
import { Group, Title } from '@mantine/core';
import { useId, type ReactNode } from 'react';
import classes from './section.module.css';

interface Props {
  readonly title: string;
  /** Stands at the right of the title. */
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  /** Without inner spacing, for tables. */
  readonly flush?: boolean;
}

export function Section({ title, aside, children, flush = false }: Props) {
  const id = useId();
  return (
    <section className={classes['section']} aria-labelledby={id}>
      <Group className={classes['head']} justify="space-between" wrap="nowrap" gap="sm">
        <Title order={2} id={id}>
          {title}
        </Title>
        {aside}
      </Group>
      <div className={flush ? undefined : classes['body']}>{children}</div>
    </section>
  );
}

/** For what the page's own title names already. */
export const Panel = ({ children }: { children: ReactNode }) => (
  <div className={classes['section']}>{children}</div>
);
