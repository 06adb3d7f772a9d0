/** A line above every page, for what must not wait until somebody opens the page that it is about. */
import type { ReactNode } from 'react';
import { Icon, type IconName } from './icons.tsx';
import type { Tone } from './tone.ts';
import classes from './banner.module.css';

interface Props {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly testId: string;
  readonly children: ReactNode;
}

export function Banner({ tone, icon, testId, children }: Props) {
  return (
    <p className={classes['banner']} data-tone={tone} role="status" data-testid={testId}>
      <Icon name={icon} />
      <span>{children}</span>
    </p>
  );
}
