/** Counts as one bar, and the words and figures that belong to it. No part is told by colour alone. */
import { Icon } from '../elements/icons.tsx';
import { grouped } from '../format/quantity.ts';
import { inWords, type Segment } from './progress.ts';
import classes from './stacked-bar.module.css';

interface Props {
  readonly segments: readonly Segment[];
  /** What the whole width stands for; the sum when it is not said. */
  readonly of?: number;
  readonly thin?: boolean;
}

export function StackedBar({ segments, of, thin = false }: Props) {
  const shown = segments.filter(({ count }) => count > 0);
  const sum = shown.reduce((all, { count }) => all + count, 0);
  const words = inWords(shown) || 'no devices';
  return (
    <div className={classes['bar']} data-thin={thin} role="img" aria-label={words} title={words}>
      <div className={classes['filled']} style={{ width: `${(100 * sum) / Math.max(1, of ?? sum)}%` }}>
        {shown.map(({ key, count, look }) => (
          <span
            key={key}
            className={classes['segment']}
            data-tone={look.tone}
            data-part={key}
            style={{ flexGrow: count }}
          />
        ))}
      </div>
    </div>
  );
}

export function Legend({ segments }: { segments: readonly Segment[] }) {
  return (
    <ul className={classes['legend']}>
      {segments
        .filter(({ count }) => count > 0)
        .map(({ key, count, look }) => (
          <li key={key}>
            <span data-tone={look.tone}>
              <Icon name={look.icon} size={13} />
            </span>
            <b className="numeric">{grouped(count)}</b> {look.word}
          </li>
        ))}
    </ul>
  );
}
