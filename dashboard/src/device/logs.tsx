/** What the device's apps wrote, newest first. */
import type { DeviceId } from '@wafer/protocol/ids';
import type { LogLevel } from '@wafer/protocol/messages';
import { useDeviceLogs } from '../api/queries.ts';
import { Empty, Ready } from '../elements/notice.tsx';
import { Older } from '../elements/older.tsx';
import { Section } from '../elements/section.tsx';
import type { Tone } from '../elements/tone.ts';
import { clockSeconds, fullTime } from '../format/time.ts';
import classes from './logs.module.css';

const LEVEL_TONE = {
  trace: 'idle',
  debug: 'idle',
  info: 'idle',
  warn: 'warn',
  error: 'bad',
  critical: 'bad',
} as const satisfies Record<LogLevel, Tone>;

export function Logs({ id }: { id: DeviceId }) {
  const logs = useDeviceLogs(id);
  const lines = logs.data?.pages.flatMap(({ items }) => items);
  return (
    <Section title="Logs" flush>
      <Ready query={{ ...logs, data: lines }}>
        {(all) =>
          all.length === 0 ? (
            <Empty title="No log line yet">Apps write to standard output, or through wasi:logging.</Empty>
          ) : (
            <div
              className={classes['scroll']}
              tabIndex={0}
              role="region"
              aria-label="Log lines, newest first"
            >
              <ol className={classes['lines']}>
                {all.map(({ app, at, level, text }, index) => (
                  <li key={`${all.length - index} ${at}`}>
                    <time dateTime={at} title={fullTime(Date.parse(at))}>
                      {clockSeconds(Date.parse(at))}
                    </time>
                    <span data-tone={LEVEL_TONE[level]}>{level}</span>
                    <span className={classes['app']}>{app}</span>
                    <span className={classes['text']}>{text}</span>
                  </li>
                ))}
              </ol>
              <Older query={logs} what="lines" />
            </div>
          )
        }
      </Ready>
    </Section>
  );
}
