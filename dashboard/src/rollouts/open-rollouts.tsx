/** What is being rolled out to a channel now, in a line each. */
import { Link } from 'wouter';
import { Status } from '../elements/status.tsx';
import { ROLLOUT_LOOK } from './looks.ts';
import { inWords, partSegments, totals } from './progress.ts';
import { useOpenRollouts } from './queries.ts';
import { ReleasesMoved } from './releases-moved.tsx';
import { StackedBar } from './stacked-bar.tsx';
import classes from './rollouts.module.css';

export function OpenRollouts({ channel }: { channel: string }) {
  const open = useOpenRollouts().data?.filter((rollout) => rollout.channel === channel) ?? [];
  if (open.length === 0) return null;
  return (
    <ul className={classes['cards']}>
      {open.map((rollout) => {
        const segments = partSegments(totals(rollout.waves));
        return (
          <li key={rollout.id} className={classes['open']} data-testid="open-rollout">
            <Status look={ROLLOUT_LOOK[rollout.state]} />
            <Link href={`/rollouts/${rollout.id}`} className={classes['name']}>
              {rollout.name}
            </Link>
            <ReleasesMoved targets={rollout.targets} />
            <span className={classes['openBar']}>
              <StackedBar segments={segments} thin />
            </span>
            <span className={classes['sub']}>{inWords(segments)}</span>
          </li>
        );
      })}
    </ul>
  );
}
