/** Above every other page when signatures are about to run out, for nobody looks at keys while all is well. */
import { Link, useLocation } from 'wouter';
import { Banner } from '../elements/banner.tsx';
import { useTrust } from './queries.ts';
import { warningsOf } from './warnings.ts';

export function TrustBanner() {
  const { data } = useTrust();
  const [path] = useLocation();
  const [first, ...others] = data === undefined ? [] : warningsOf(data, Date.now());
  if (first === undefined || path === '/trust') return null;
  return (
    <Banner tone={first.tone} icon={first.tone === 'bad' ? 'bad' : 'wait'} testId="trust-banner">
      {first.text}{' '}
      <Link href="/trust">{others.length === 0 ? 'Look' : `Look, and ${others.length} more`}</Link>
    </Banner>
  );
}
