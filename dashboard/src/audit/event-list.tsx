/** Events as a list: when, who and from where, what to which target, before and after. */
import { Button } from '@mantine/core';
import type { AuditEventView } from '@wafer/protocol/api';
import { useState } from 'react';
import { Link } from 'wouter';
import { When } from '../elements/when.tsx';
import classes from './audit.module.css';
import { changesOf, type Change } from './changes.ts';

/** More lines than this are shown when asked for. */
const LINES = 4;

/** `user:ann` as a word for what it is and a name. */
function Actor({ actor }: { actor: string }) {
  const at = actor.indexOf(':');
  if (at === -1) return <span className={classes['who']}>{actor}</span>;
  return (
    <span className={classes['who']}>
      <span className={classes['kind']}>{actor.slice(0, at)}</span> {actor.slice(at + 1)}
    </span>
  );
}

function Target({ subject }: { subject: string }) {
  if (/^d-[a-z2-7]{16}$/.test(subject))
    return (
      <Link href={`/devices/${subject}`} className="quiet">
        {subject}
      </Link>
    );
  return <span>{subject}</span>;
}

function Line({ change: { name, before, after } }: { change: Change }) {
  return (
    <li>
      {name !== '' && <span className={classes['name']}>{name}</span>}
      {before !== null && <del>{before}</del>}
      {before !== null && after !== null && <span className={classes['arrow']}> → </span>}
      {after !== null && <ins>{after}</ins>}
    </li>
  );
}

function Changes({ event }: { event: AuditEventView }) {
  const [isOpen, setOpen] = useState(false);
  const changes = changesOf(event.before, event.after);
  if (changes.length === 0) return <span className={classes['none']}>–</span>;
  const shown = isOpen ? changes : changes.slice(0, LINES);
  return (
    <div>
      <ul className={classes['changes']}>
        {shown.map((change) => (
          <Line key={change.name} change={change} />
        ))}
      </ul>
      {shown.length < changes.length && (
        <Button variant="subtle" size="compact-xs" onClick={() => setOpen(true)}>
          {changes.length - shown.length} more
        </Button>
      )}
    </div>
  );
}

function Event({ event }: { event: AuditEventView }) {
  return (
    <li className={classes['event']} data-testid="audit-event">
      <div className={classes['when']}>
        <When at={event.at} />
        <span className={classes['seq']} title={event.hash ?? 'not sealed yet'}>
          {event.seq === null ? 'unsealed' : `no ${event.seq}`}
        </span>
      </div>
      <div>
        <Actor actor={event.actor} />
        <span className={classes['source']}>{event.source ?? 'the server itself'}</span>
      </div>
      <div>
        <span className={classes['action']}>{event.action}</span>
        <span className={classes['target']}>
          <Target subject={event.subject} />
        </span>
      </div>
      <Changes event={event} />
    </li>
  );
}

export function EventList({ events }: { events: readonly AuditEventView[] }) {
  return (
    <>
      <div className={classes['titles']} aria-hidden>
        <span>When</span>
        <span>Who, from where</span>
        <span>What</span>
        <span>Before → after</span>
      </div>
      <ol className={classes['events']}>
        {events.map((event) => (
          <Event key={event.id} event={event} />
        ))}
      </ol>
    </>
  );
}
