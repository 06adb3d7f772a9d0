/** What each release may do that the one before might not, and the other way round, in words. */
import type { RolloutTargetView } from '@wafer/protocol/rollout-views';
import classes from './capability-diff.module.css';

type Powers = Pick<RolloutTargetView, 'app' | 'gains' | 'loses'>;

const Line = ({ sign, power }: { sign: '+' | '−'; power: string }) => (
  <li data-tone={sign === '+' ? 'bad' : 'ok'} data-testid={sign === '+' ? 'gain' : 'loss'}>
    <span className={classes['sign']} aria-hidden>
      {sign}
    </span>
    <span className={classes['verb']}>{sign === '+' ? 'gains' : 'loses'}</span>
    <code>{power}</code>
  </li>
);

export function CapabilityDiff({ targets }: { targets: readonly Powers[] }) {
  const changed = targets.filter(({ gains, loses }) => gains.length + loses.length > 0);
  if (changed.length === 0)
    return <span className={classes['same']}>The releases may do what those before might, and no more.</span>;
  return changed.map(({ app, gains, loses }) => (
    <div key={app} className={classes['app']}>
      <b>{app}</b>
      <ul>
        {gains.map((power) => (
          <Line key={`+${power}`} sign="+" power={power} />
        ))}
        {loses.map((power) => (
          <Line key={`-${power}`} sign="−" power={power} />
        ))}
      </ul>
    </div>
  ));
}
