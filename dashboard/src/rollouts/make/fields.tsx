/** Fields of the form; each shows what does not fit at its place. */
import { Collapse, NumberInput, UnstyledButton } from '@mantine/core';
import { createContext, use, useState, type ReactNode } from 'react';
import { Icon } from '../../elements/icons.tsx';
import type { Amount } from './draft.ts';
import type { Places } from './places.ts';
import classes from './make.module.css';

export const PlacesContext = createContext<Places>(new Map());

/** What is wrong there; null when nothing is. */
export const usePlace = (path: string): string | null => use(PlacesContext).get(path) ?? null;

interface AmountProps {
  readonly label: string;
  readonly path: string;
  readonly value: Amount;
  readonly onChange: (value: Amount) => void;
  readonly description?: string;
  /** What counts while it is empty. */
  readonly otherwise?: number | string;
  readonly unit?: string;
  readonly hideLabel?: boolean;
}

const unitOf = (unit: string, value: Amount): string => (unit === 'devices' && value === 1 ? 'device' : unit);

/** A whole number, or nothing. */
export function AmountField({
  label,
  path,
  value,
  onChange,
  description,
  otherwise,
  unit,
  hideLabel = false,
}: AmountProps) {
  const error = usePlace(path);
  return (
    <NumberInput
      size="xs"
      {...(hideLabel ? { 'aria-label': label } : { label })}
      {...(description !== undefined && { description })}
      {...(otherwise !== undefined && {
        placeholder:
          typeof otherwise === 'number' && unit !== undefined ? `${otherwise} ${unit}` : `${otherwise}`,
      })}
      {...(unit !== undefined && { suffix: ` ${unitOf(unit, value)}` })}
      allowDecimal={false}
      allowNegative={false}
      hideControls
      value={value ?? ''}
      error={error}
      onChange={(next) => onChange(next === '' ? undefined : Number(next))}
    />
  );
}

/** What stands wrong at a place that is no single field. */
export function PlaceError({ path }: { path: string }) {
  const error = usePlace(path);
  if (error === null) return null;
  return (
    <p className={classes['error']} role="alert">
      {error}
    </p>
  );
}

/** Folded away until it is wanted; what is wrong inside opens it. */
export function Fold({
  title,
  summary,
  paths = [],
  children,
}: {
  title: string;
  summary?: ReactNode;
  /** Beginnings of the places inside. */
  paths?: readonly string[];
  children: ReactNode;
}) {
  const places = use(PlacesContext);
  const [isOpen, setOpen] = useState(false);
  const isWrong = [...places.keys()].some((place) => paths.some((path) => place.startsWith(path)));
  const isShown = isOpen || isWrong;
  return (
    <div className={classes['foldBox']}>
      <UnstyledButton className={classes['fold']} aria-expanded={isShown} onClick={() => setOpen(!isOpen)}>
        <Icon name="next" size={12} className={classes['chevron']} />
        <span className={classes['foldTitle']}>{title}</span>
        {!isShown && summary !== undefined && <span className={classes['summary']}>{summary}</span>}
      </UnstyledButton>
      <Collapse expanded={isShown}>
        <div className={classes['inside']}>{children}</div>
      </Collapse>
    </div>
  );
}
