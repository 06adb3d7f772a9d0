/** Devices of a group, or of a query that is not saved: a line each. */
import type { GroupMember } from '@wafer/protocol/groups';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { Status } from '../elements/status.tsx';
import { When } from '../elements/when.tsx';
import { linkLook } from '../fleet/device-table.tsx';
import classes from './groups.module.css';

interface Props {
  readonly members: readonly GroupMember[];
  /** What stands at the end of a device's line. */
  readonly action?: (member: GroupMember) => ReactNode;
}

export function MemberList({ members, action }: Props) {
  return (
    <ul className={classes['list']}>
      {members.map((member) => (
        <li key={member.id} className={classes['member']} data-testid="group-member">
          <Link href={`/devices/${member.id}`} className={classes['name']}>
            {member.name}
          </Link>
          <span className={classes['meta']}>
            <span className={classes['sub']}>{member.arch}</span>
            <Status look={linkLook(member)} />
            <span className={classes['seen']}>
              {member.lastSeen === null ? 'never seen' : <When at={member.lastSeen} />}
            </span>
          </span>
          {action && <span className={classes['action']}>{action(member)}</span>}
        </li>
      ))}
    </ul>
  );
}
