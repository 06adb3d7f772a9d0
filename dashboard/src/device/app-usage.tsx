/** How much of its limits an app uses, and what it was denied. */
import type { DeviceApp } from '@wafer/protocol/api';
import type { DeviceId } from '@wafer/protocol/ids';
import type { AppHealth } from '@wafer/protocol/messages';
import { useDeviceEvents, useHealth } from '../api/queries.ts';
import { Facts } from '../elements/facts.tsx';
import { Status } from '../elements/status.tsx';
import type { Tone } from '../elements/tone.ts';
import { denials, denialText, lastMinute, usageRows } from './usage.ts';
import classes from './app-usage.module.css';

/** As far back as the charts begin, so that both read one answer. */
const MINUTES = 15;
const MOST_SUBJECTS = 4;

const toneOf = (share: number): Tone => (share >= 1 ? 'bad' : share >= 0.8 ? 'warn' : 'busy');

function Meter({ text, share }: { text: string; share: number | null }) {
  return (
    <span className={classes['meter']}>
      {text}
      {share !== null && (
        <span className={classes['track']} data-tone={toneOf(share)} aria-hidden>
          <span className={classes['fill']} style={{ width: `${(share * 100).toFixed(1)}%` }} />
        </span>
      )}
    </span>
  );
}

/** Subjects of the newest denials, each once. */
function useDenied(id: DeviceId, app: string): string[] {
  const events = useDeviceEvents(id).data?.pages[0]?.items ?? [];
  const subjects = events
    .filter((event) => event.app === app && event.fault?.kind === 'capability-denied')
    .map(({ fault }) => fault?.subject ?? fault?.message ?? '');
  return [...new Set(subjects)].slice(0, MOST_SUBJECTS);
}

export function AppUsage({ id, app, health }: { id: DeviceId; app: DeviceApp; health: AppHealth }) {
  const reports = useHealth(id, MINUTES).data?.items ?? [];
  const rows = usageRows(health, lastMinute(reports, app.app), app.desired);
  const count = denials(reports, app.app);
  const subjects = useDenied(id, app.app);
  return (
    <div data-testid="app-usage">
      <Facts
        facts={[
          ...rows.map(
            ({ name, text, share }) => [name, <Meter key={name} text={text} share={share} />] as const,
          ),
          health.usage !== undefined && [
            'Denied',
            count === 0 ? (
              denialText(count, MINUTES)
            ) : (
              <span key="denied">
                <Status look={{ tone: 'warn', icon: 'bad', word: denialText(count, MINUTES) }} />
                {subjects.map((subject) => (
                  <code key={subject} className={classes['subject']}>
                    {subject}
                  </code>
                ))}
              </span>
            ),
          ],
        ]}
      />
    </div>
  );
}
