/** Above every other page when signatures are about to run out, for nobody looks at keys while all is well. */
import { Link, useLocation } from 'wouter';
import { Icon } from '../elements/icons.tsx';
import { useTrust } from './queries.ts';
import { warningsOf } from './warnings.ts';
import classes from './trust.module.css';

export function TrustBanner() {
  const { data } = useTrust();
  const [path] = useLocation();
  const [first, ...others] = data === undefined ? [] : warningsOf(data, Date.now());
  if (first === undefined || path === '/trust') return null;
  return (
    <p className={classes['banner']} data-tone={first.tone} role="status" data-testid="trust-banner">
      <Icon name={first.tone === 'bad' ? 'bad' : 'wait'} />
      <span>
        {first.text}{' '}
        <Link href="/trust">{others.length === 0 ? 'Look' : `Look, and ${others.length} more`}</Link>
      </span>
    </p>
  );
}
