/** What a guest may use. */
import type { Grants } from '@wafer/protocol/grants';
import { grantLines } from './grants.ts';
import classes from './grant-list.module.css';

export function GrantList({ grants }: { grants: Grants }) {
  const lines = grantLines(grants);
  if (lines.length === 0) return <span style={{ color: 'var(--wafer-muted)' }}>Nothing is granted</span>;
  return (
    <ul className={classes['list']}>
      {lines.map(({ capability, subject, how }) => (
        <li key={`${capability} ${subject} ${how}`}>
          <span className={classes['capability']}>{capability}</span>
          <span className={classes['subject']}>
            {capability === 'clock' || capability === 'random' ? subject : <code>{subject}</code>}
            {how !== '' && <span className={classes['how']}> {how}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
