/** One app of a device: what runs, what should, what it may use, and how the last change went. */
import { Text } from '@mantine/core';
import type { DeviceApp, ExecutionView } from '@wafer/protocol/api';
import type { DeviceId } from '@wafer/protocol/ids';
import type { AppHealth } from '@wafer/protocol/messages';
import { Link } from 'wouter';
import { appLook } from '../apps/app-look.ts';
import { GrantList } from '../apps/grant-list.tsx';
import { ShortHex } from '../elements/copy.tsx';
import { Facts, type Fact } from '../elements/facts.tsx';
import { Icon } from '../elements/icons.tsx';
import { Pill, Status } from '../elements/status.tsx';
import { EXECUTION_LOOK } from '../elements/tone.ts';
import { When } from '../elements/when.tsx';
import { counted, grouped } from '../format/quantity.ts';
import { clockSeconds } from '../format/time.ts';
import { AppUsage } from './app-usage.tsx';
import classes from './app-card.module.css';
import { swapText } from './swap-facts.ts';
import { triggersText } from './triggers.ts';

const ReleaseLink = ({ app, version }: { app: string; version: string }) => (
  <Link href={`/releases/${app}/${version}`} className="quiet">
    {version}
  </Link>
);

function swapFacts({ swap }: ExecutionView): Fact[] {
  if (swap === null) return [];
  const { cause, cost, stages } = swapText(swap);
  return [
    ['Swap', `${cost}, for ${cause}`],
    ['Took', stages],
  ];
}

/** A start or a restart belongs to no execution; what does is told there. */
function changeFacts({ lastSwap }: AppHealth): Fact[] {
  if (lastSwap === undefined || !['start', 'restart'].includes(lastSwap.figures.cause)) return [];
  const { cause, cost, stages } = swapText(lastSwap.figures);
  const text = (
    <span key="change">
      {cause}, <When at={lastSwap.at} />: {cost}; {stages}
    </span>
  );
  return [['Last change', text]];
}

/** When it runs, and with whom it shares a thread, where that is not the usual. */
function runFacts({ triggers, isolation }: NonNullable<DeviceApp['desired']>): Fact[] {
  const runs = triggersText(triggers);
  return [
    ...(runs === undefined ? [] : [['Runs', runs] as const]),
    ...(isolation === 'dedicated' ? [['Thread', 'its own'] as const] : []),
  ];
}

function FaultBox({ execution }: { execution: ExecutionView }) {
  const { fault, state, runningVersion, version } = execution;
  if (fault === null) return null;
  const tone = state === 'ROLLED_BACK' ? 'warn' : 'bad';
  return (
    <div className={classes['fault']} data-tone={tone} role="note">
      <Icon name={tone === 'warn' ? 'warn' : 'bad'} style={{ marginTop: 3 }} />
      <div>
        <b>
          {version}: {fault.kind}
        </b>
        {fault.subject !== undefined && <code> {fault.subject}</code>}
        <div className={classes['faultText']} data-testid="fault-text">
          {fault.message}
        </div>
        {state === 'ROLLED_BACK' && runningVersion !== null && (
          <Text size="sm" c="dimmed">
            {runningVersion} serves.
          </Text>
        )}
      </div>
    </div>
  );
}

function LastExecution({ execution }: { execution: ExecutionView }) {
  const look = EXECUTION_LOOK[execution.state];
  return (
    <div className={classes['part']}>
      <h3>Last execution</h3>
      <Facts
        facts={[
          ['Release', <ReleaseLink key="release" app={execution.app} version={execution.version} />],
          [
            'State',
            <span key="state" data-testid="execution-state" data-state={execution.state}>
              <Status look={look}>
                {look.word}
                {execution.state === 'IN_PROGRESS' && execution.stage !== null && `: ${execution.stage}`}
              </Status>
            </span>,
          ],
          ['Changed', <When key="updated" at={execution.updated} />],
          ...swapFacts(execution),
        ]}
      />
    </div>
  );
}

function NowFacts({ app, health }: { app: DeviceApp; health: AppHealth | undefined }) {
  const { running, desired } = app;
  return (
    <div className={classes['part']}>
      <h3>Release</h3>
      <Facts
        facts={[
          [
            'Running',
            running === null ? (
              'nothing reported yet'
            ) : (
              <span key="running">
                <ReleaseLink app={app.app} version={running.version} />{' '}
                <ShortHex value={running.digest} label="digest" />
              </span>
            ),
          ],
          [
            'Desired',
            desired === null ? (
              'none: no channel of the device holds it'
            ) : (
              <span key="desired">
                <ReleaseLink app={app.app} version={desired.version} /> from <Pill>{desired.channel}</Pill>
              </span>
            ),
          ],
          health !== undefined && ['Calls', `${grouped(health.calls)}, ${counted(health.faults, 'fault')}`],
          ...(desired === null ? [] : runFacts(desired)),
          ...(health === undefined ? [] : changeFacts(health)),
        ]}
      />
    </div>
  );
}

function CrashLoop({ failures, nextTryAt }: NonNullable<AppHealth['crashLoop']>) {
  return (
    <div className={classes['fault']} data-tone="bad" role="note" data-testid="crash-loop">
      <Icon name="bad" style={{ marginTop: 3 }} />
      <div>
        <b>crash-loop</b>
        <div className={classes['faultText']}>
          It failed {counted(failures, 'time')} in a row and rests. Next try at{' '}
          {clockSeconds(Date.parse(nextTryAt))}.
        </div>
      </div>
    </div>
  );
}

/** Grants that could be taken back without anyone missing them, by what the board saw. */
function Unused({ grants }: { grants: readonly string[] }) {
  return (
    <div className={classes['unused']} role="note" data-testid="unused-grants">
      <Status look={{ tone: 'warn', icon: 'wait', word: 'Unused for long: consider narrowing' }} />
      <ul>
        {grants.map((grant) => (
          <li key={grant}>
            <code>{grant}</code>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface Props {
  readonly id: DeviceId;
  readonly app: DeviceApp;
  readonly health: AppHealth | undefined;
}

export function AppCard({ id, app, health }: Props) {
  const { running, coming, look, note } = appLook(app);
  return (
    <article className={classes['card']} aria-label={`App ${app.app}`} data-testid="device-app">
      <header className={classes['head']}>
        <b>{app.app}</b>
        <span className={classes['version']} data-testid="app-version">
          {running ?? '–'}
          {coming !== null && ` → ${coming}`}
        </span>
        <Status look={look}>{note ?? 'running'}</Status>
      </header>
      {app.execution && <FaultBox execution={app.execution} />}
      {health?.crashLoop && <CrashLoop {...health.crashLoop} />}
      <div className={classes['parts']}>
        <div className={classes['stack']}>
          <NowFacts app={app} health={health} />
          {app.execution && <LastExecution execution={app.execution} />}
        </div>
        {health && (
          <div className={classes['part']}>
            <h3>Usage</h3>
            <AppUsage id={id} app={app} health={health} />
          </div>
        )}
        <div className={classes['part']}>
          <h3>Grants</h3>
          {app.desired === null ? (
            <span style={{ color: 'var(--wafer-muted)' }}>None are ordered</span>
          ) : (
            <GrantList grants={app.desired.grants} />
          )}
          {health?.unusedGrants && <Unused grants={health.unusedGrants} />}
        </div>
      </div>
    </article>
  );
}
