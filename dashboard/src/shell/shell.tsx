/** The frame of every page: mark, navigation, live mark, account. On phones the navigation is a bar below. */
import type { Me, Role } from '@wafer/protocol/api';
import { useEffect, useRef, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { Icon, Mark, type IconName } from '../elements/icons.tsx';
import { AccountMenu } from './account-menu.tsx';
import { LiveMark } from './live-mark.tsx';
import classes from './shell.module.css';

interface Place {
  readonly href: string;
  readonly label: string;
  readonly icon: IconName;
  readonly covers: RegExp;
  /** Whom the server does not refuse; this only spares others the way. Without: everybody. */
  readonly roles?: readonly Role[];
}

const PLACES: readonly Place[] = [
  { href: '/', label: 'Fleet', icon: 'fleet', covers: /^\/($|devices)/ },
  { href: '/groups', label: 'Groups', icon: 'group', covers: /^\/groups/ },
  { href: '/releases', label: 'Releases', icon: 'release', covers: /^\/releases/ },
  { href: '/channels', label: 'Channels', icon: 'channel', covers: /^\/channels/ },
  { href: '/rollouts', label: 'Rollouts', icon: 'rollout', covers: /^\/rollouts/ },
  {
    href: '/enrolment',
    label: 'Enrolment',
    icon: 'enrolled',
    covers: /^\/enrolment/,
    roles: ['operator', 'admin'],
  },
  { href: '/boards', label: 'Boards', icon: 'board', covers: /^\/boards/ },
  { href: '/trust', label: 'Keys', icon: 'key', covers: /^\/trust/ },
  { href: '/people', label: 'People', icon: 'person', covers: /^\/people/, roles: ['admin'] },
  { href: '/audit', label: 'Audit', icon: 'audit', covers: /^\/audit/, roles: ['admin'] },
];

function Navigation({ role }: { role: Role }) {
  const [path] = useLocation();
  const nav = useRef<HTMLElement>(null);
  // On a phone there are more places than fit.
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });
  }, [path]);
  return (
    <nav ref={nav} className={classes['nav']} aria-label="Pages">
      {PLACES.filter(({ roles }) => roles === undefined || roles.includes(role)).map(
        ({ href, label, icon, covers }) => (
          <Link
            key={href}
            href={href}
            className={classes['navLink']}
            aria-current={covers.test(path) ? 'page' : undefined}
          >
            <Icon name={icon} />
            {label}
          </Link>
        ),
      )}
    </nav>
  );
}

export function Shell({ me, children }: { me: Me; children: ReactNode }) {
  return (
    <>
      <a href="#content" className="skip-link">
        Skip to content
      </a>
      <header className={classes['header']}>
        <div className={classes['bar']}>
          <Link href="/" className={classes['brand']} aria-label="Wafer, fleet">
            <Mark size={24} />
            <span>Wafer</span>
          </Link>
          <Navigation role={me.role} />
          <div className={classes['right']}>
            <LiveMark />
            <AccountMenu me={me} />
          </div>
        </div>
      </header>
      <main id="content" className={classes['main']} tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
