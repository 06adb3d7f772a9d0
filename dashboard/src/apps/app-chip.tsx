/** An app's release on a device, for a table cell: `thermo 1.0.0 → 1.1.0 downloading`. */
import type { DeviceApp } from '@wafer/protocol/api';
import { Icon } from '../elements/icons.tsx';
import { appLook } from './app-look.ts';
import classes from './app-chip.module.css';

function AppChip({ app }: { app: DeviceApp }) {
  const { running, coming, look, note } = appLook(app);
  return (
    <span className={classes['chip']} data-quiet={note === null}>
      <span data-tone={look.tone} className={classes['icon']}>
        <Icon name={look.icon} size={13} className={look.icon === 'busy' ? 'turning' : undefined} />
      </span>
      <span>{app.app}</span>
      <span className={classes['version']} data-testid="app-version">
        {running ?? '–'}
        {coming !== null && (
          <>
            <span aria-label="to"> → </span>
            {coming}
          </>
        )}
      </span>
      {note !== null && (
        <span data-tone={look.tone} className={classes['note']}>
          {note}
        </span>
      )}
    </span>
  );
}

export function AppChips({ apps }: { apps: readonly DeviceApp[] }) {
  if (apps.length === 0) return <span style={{ color: 'var(--wafer-muted)' }}>no app</span>;
  return (
    <span className={classes['chips']}>
      {apps.map((app) => (
        <AppChip key={app.app} app={app} />
      ))}
    </span>
  );
}
