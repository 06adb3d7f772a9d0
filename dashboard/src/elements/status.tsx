/** A state as icon and word. */
import type { ReactNode } from 'react';
import { Icon } from './icons.tsx';
import type { Look } from './tone.ts';
import classes from './status.module.css';

interface Props {
  readonly look: Look;
  /** What stands instead of the look's own word. */
  readonly children?: ReactNode;
  readonly testId?: string;
}

export function Status({ look, children, testId }: Props) {
  return (
    <span className={classes['status']} data-tone={look.tone} data-testid={testId}>
      <Icon name={look.icon} size={15} className={look.icon === 'busy' ? 'turning' : undefined} />
      <span>{children ?? look.word}</span>
    </span>
  );
}

/** Words in a quiet frame, for channels, tags and the like. */
export function Pill({ children, title }: { children: ReactNode; title?: string }) {
  return (
    <span className={classes['pill']} title={title}>
      {children}
    </span>
  );
}
