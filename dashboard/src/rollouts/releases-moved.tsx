/** `thermo 1.0.0 → 1.1.0`, one for each app. */
import type { RolloutTargetView } from '@wafer/protocol/rollout-views';
import classes from './rollouts.module.css';

export const ReleasesMoved = ({ targets }: { targets: readonly RolloutTargetView[] }) => (
  <span className={classes['releases']}>
    {targets.map(({ app, from, version }) => (
      <span key={app} className={classes['release']}>
        {app}{' '}
        <span className="numeric">
          {from ?? 'nothing'}
          <span aria-label="to"> → </span>
          <b>{version}</b>
        </span>
      </span>
    ))}
  </span>
);
