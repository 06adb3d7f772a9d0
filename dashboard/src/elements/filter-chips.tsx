/** Counts that are also a filter: the one that is pressed is shown. */
import { UnstyledButton } from '@mantine/core';
import type { ReactNode } from 'react';
import { grouped } from '../format/quantity.ts';
import classes from './filter-chips.module.css';

export const FilterChips = ({ label, children }: { label: string; children: ReactNode }) => (
  <div className={classes['chips']} role="group" aria-label={label}>
    {children}
  </div>
);

interface Props {
  readonly isOn: boolean;
  readonly count: number;
  readonly onClick: () => void;
  readonly testId?: string;
  readonly children: ReactNode;
}

export const FilterChip = ({ isOn, count, onClick, testId, children }: Props) => (
  <UnstyledButton className={classes['chip']} aria-pressed={isOn} data-testid={testId} onClick={onClick}>
    {children} <b className="numeric">{grouped(count)}</b>
  </UnstyledButton>
);
