/** The groups that a device is in, each a link. */
import type { DeviceSummary } from '@wafer/protocol/api';
import { Fragment } from 'react';
import { Link } from 'wouter';
import { addressOf } from './address.ts';
import { useGroupsOf } from './queries.ts';
import classes from './groups.module.css';

export function GroupLinks({ device }: { device: Pick<DeviceSummary, 'id' | 'group'> }) {
  const groups = useGroupsOf(device.id).data?.items.map(({ name }) => name);
  const names = groups ?? (device.group === null ? [] : [device.group]);
  if (names.length === 0) return <span className={classes['sub']}>none</span>;
  return (
    <span data-testid="device-groups">
      {names.map((name, at) => (
        <Fragment key={name}>
          {at > 0 && ', '}
          <Link href={addressOf(name)} className={classes['link']}>
            {name}
          </Link>
        </Fragment>
      ))}
    </span>
  );
}
