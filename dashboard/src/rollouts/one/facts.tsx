/** What was ordered, by whom, and what it has to do with other rollouts. */
import type { RolloutView } from '@wafer/protocol/rollout-views';
import { Link } from 'wouter';
import { Facts } from '../../elements/facts.tsx';
import { Section } from '../../elements/section.tsx';
import { Pill } from '../../elements/status.tsx';
import { When } from '../../elements/when.tsx';
import { counted } from '../../format/quantity.ts';
import { fullTime } from '../../format/time.ts';
import { minutesInWords } from '../gate-words.ts';
import { useReverting } from '../queries.ts';
import { ReleasesMoved } from '../releases-moved.tsx';
import classes from './one.module.css';

const Actor = ({ name }: { name: string }) => <>{name.replace(/^user:/, '')}</>;

const windowText = ({ cron, minutes, timeZone }: RolloutView['windows'][number]): string =>
  `${cron} for ${minutesInWords(minutes)}, ${timeZone ?? 'each device’s own time'}`;

const Lines = ({ lines }: { lines: readonly string[] }) => lines.map((line) => <div key={line}>{line}</div>);

export function RolloutFacts({ view }: { view: RolloutView }) {
  const reverting = useReverting(view).data ?? null;
  const { windows, blackouts, startAt, deadline } = view;
  return (
    <Section title="Rollout">
      <Facts
        facts={[
          ['Number', `${view.number}`],
          ['Channel', <Pill key="channel">{view.channel}</Pill>],
          ['Releases', <ReleasesMoved key="releases" targets={view.targets} />],
          ['Devices', `${counted(view.devices, 'device')}, at most ${view.inFlight} at a time`],
          ['At its end', view.movesChannel ? 'the channel is moved' : 'the channel stays as it is'],
          [
            'Made',
            <span key="made">
              by <Actor name={view.createdBy} />, <When at={view.created} />
            </span>,
          ],
          view.approvedBy !== null && ['Approved', <Actor key="approved" name={view.approvedBy} />],
          ['Changed', <When key="updated" at={view.updated} />],
          startAt !== null && ['Begins', fullTime(Date.parse(startAt))],
          deadline !== null && ['Deadline', fullTime(Date.parse(deadline))],
          windows.length > 0 && ['Windows', <Lines key="windows" lines={windows.map(windowText)} />],
          blackouts.length > 0 && [
            'Not on',
            <Lines
              key="blackouts"
              lines={blackouts.map(({ from, to }) => (from === to ? from : `${from} to ${to}`))}
            />,
          ],
          view.reverts !== null && [
            'Takes back',
            <Link key="reverts" href={`/rollouts/${view.reverts}`} className={classes['link']}>
              an earlier rollout
            </Link>,
          ],
          reverting !== null && [
            'Taken back by',
            <Link key="reverting" href={`/rollouts/${reverting.id}`} className={classes['link']}>
              no {reverting.number}, {reverting.name}
            </Link>,
          ],
        ]}
      />
    </Section>
  );
}
