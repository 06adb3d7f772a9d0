/** The last message on each topic that the device's guests published to. */
import type { GuestMessage } from '@wafer/protocol/api';
import { Empty } from '../elements/notice.tsx';
import { Section } from '../elements/section.tsx';
import { When } from '../elements/when.tsx';
import { readable } from './payload.ts';
import classes from './messages.module.css';

export function Messages({ messages }: { messages: readonly GuestMessage[] }) {
  const sorted = messages.toSorted((a, b) => a.app.localeCompare(b.app) || a.topic.localeCompare(b.topic));
  return (
    <Section title="Last messages" flush>
      {sorted.length === 0 && (
        <Empty title="No message yet">What an app publishes within its grants is shown here.</Empty>
      )}
      {sorted.map(({ app, topic, payload, at }) => {
        const { text } = readable(payload);
        return (
          <article key={`${app}/${topic}`} className={classes['message']}>
            <header>
              <span>{app}</span>
              <code>{topic}</code>
              <span className={classes['when']}>
                <When at={at} />
              </span>
            </header>
            <pre tabIndex={0} aria-label={`Message on ${topic}`}>
              {text === '' ? '(empty)' : text}
            </pre>
          </article>
        );
      })}
    </Section>
  );
}
