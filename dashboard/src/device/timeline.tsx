/** Everything that happened to a device, newest first. */
import type { DeviceEvent } from '@wafer/protocol/api';
import type { DeviceId } from '@wafer/protocol/ids';
import { useDeviceEvents } from '../api/queries.ts';
import { Icon } from '../elements/icons.tsx';
import { Empty, Ready } from '../elements/notice.tsx';
import { Older } from '../elements/older.tsx';
import { Section } from '../elements/section.tsx';
import { eventLook } from '../elements/tone.ts';
import { When } from '../elements/when.tsx';
import classes from './timeline.module.css';

function Entry({ event }: { event: DeviceEvent }) {
  const look = eventLook(event);
  return (
    <li className={classes['entry']}>
      <span className={classes['icon']} data-tone={look.tone} title={look.word}>
        <Icon name={look.icon} size={15} />
      </span>
      <div className={classes['body']}>
        <div>{event.text}</div>
        {event.fault !== null && !event.text.includes(event.fault.message) && (
          <div className={classes['fault']}>
            <b data-tone={look.tone}>{event.fault.kind}</b> {event.fault.message}
          </div>
        )}
        {event.fault?.subject !== undefined && !event.text.includes(event.fault.subject) && (
          <code className={classes['fault']}>{event.fault.subject}</code>
        )}
      </div>
      <span className={classes['when']}>
        <When at={event.at} />
      </span>
    </li>
  );
}

export function Timeline({ id }: { id: DeviceId }) {
  const events = useDeviceEvents(id);
  const items = events.data?.pages.flatMap((page) => page.items);
  return (
    <Section title="Timeline" flush>
      <Ready query={{ ...events, data: items }}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="Nothing has happened yet" />
          ) : (
            <>
              <ol className={classes['timeline']}>
                {all.map((event) => (
                  <Entry key={event.id} event={event} />
                ))}
              </ol>
              <Older query={events} what="events" />
            </>
          )
        }
      </Ready>
    </Section>
  );
}
