/** The fleet in one line; the counts of health are also its filter. */
import { UnstyledButton } from '@mantine/core';
import type { DeviceHealth } from '@wafer/protocol/api';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { Status } from '../elements/status.tsx';
import { EXECUTION_LOOK, HEALTH_LOOK } from '../elements/tone.ts';
import { When } from '../elements/when.tsx';
import { counted, grouped } from '../format/quantity.ts';
import type { Summary } from './summary.ts';
import classes from './summary-strip.module.css';

const Figure = ({ name, children }: { name: string; children: ReactNode }) => (
  <div className={classes['figure']}>
    <dt>{name}</dt>
    <dd className="numeric">{children}</dd>
  </div>
);

interface Props {
  readonly summary: Summary;
  readonly health: DeviceHealth | null;
  readonly onHealth: (health: DeviceHealth | null) => void;
}

const FILTERS = ['healthy', 'failing', 'offline', 'unknown'] as const satisfies readonly DeviceHealth[];

export function HealthFilter({ summary, health, onHealth }: Props) {
  return (
    <div className={classes['filters']} role="group" aria-label="Filter by health">
      <UnstyledButton
        className={classes['filter']}
        aria-pressed={health === null}
        onClick={() => onHealth(null)}
      >
        All <b className="numeric">{grouped(summary.devices)}</b>
      </UnstyledButton>
      {FILTERS.filter((each) => each !== 'unknown' || summary.byHealth.unknown > 0 || health === each).map(
        (each) => (
          <UnstyledButton
            key={each}
            className={classes['filter']}
            aria-pressed={health === each}
            onClick={() => onHealth(health === each ? null : each)}
          >
            <Status look={HEALTH_LOOK[each]} /> <b className="numeric">{grouped(summary.byHealth[each])}</b>
          </UnstyledButton>
        ),
      )}
    </div>
  );
}

export function SummaryStrip({ summary }: { summary: Summary }) {
  const { lastChange, byHealth } = summary;
  return (
    <dl className={classes['strip']}>
      <Figure name="Devices">{grouped(summary.devices)}</Figure>
      <Figure name="Online">
        {grouped(summary.online)}
        <small> of {grouped(summary.devices)}</small>
      </Figure>
      <Figure name="Failing">
        <span data-tone={byHealth.failing > 0 ? 'bad' : undefined}>{grouped(byHealth.failing)}</span>
      </Figure>
      <Figure name="Apps">{grouped(summary.apps)}</Figure>
      <div className={`${classes['figure']} ${classes['wide']}`}>
        <dt>Last change</dt>
        <dd className={classes['change']}>
          {lastChange === null ? (
            <small>No release has reached a device yet</small>
          ) : (
            <>
              <span>
                {lastChange.execution.app} {lastChange.execution.version}
              </span>
              <Status look={EXECUTION_LOOK[lastChange.execution.state]} />
              <small>
                on{' '}
                <Link href={`/devices/${lastChange.device.id}`} className="quiet">
                  {lastChange.device.name}
                </Link>
                , <When at={lastChange.execution.updated} />
              </small>
            </>
          )}
        </dd>
      </div>
    </dl>
  );
}

export const shownOf = (shown: number, all: number): string =>
  shown === all ? counted(all, 'device') : `${grouped(shown)} of ${counted(all, 'device')}`;
