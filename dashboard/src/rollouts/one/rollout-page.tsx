/** One rollout, live: its state and why, what may be ordered, its waves and gates, and every device. */
import { Anchor, Breadcrumbs, Button, Group, Stack, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { RolloutAction } from '@wafer/protocol/rollout-states';
import type { RolloutView } from '@wafer/protocol/rollout-views';
import { useState } from 'react';
import { Link } from 'wouter';
import { RequestFailed } from '../../api/client.ts';
import { useMayOperate } from '../../api/queries.ts';
import { Empty, Loading, Ready } from '../../elements/notice.tsx';
import { Section } from '../../elements/section.tsx';
import { Pill, Status } from '../../elements/status.tsx';
import { CapabilityDiff } from '../capability-diff.tsx';
import { ACTION_WORD, ROLLOUT_LOOK } from '../looks.ts';
import { partSegments, totals } from '../progress.ts';
import { useRollout } from '../queries.ts';
import { ReleasesMoved } from '../releases-moved.tsx';
import { Legend, StackedBar } from '../stacked-bar.tsx';
import { Approval } from './approval.tsx';
import { Executions } from './executions.tsx';
import { RolloutFacts } from './facts.tsx';
import { OrderDialog } from './order-dialog.tsx';
import { Waves } from './waves.tsx';
import classes from './one.module.css';

const FIRST: readonly RolloutAction[] = ['start', 'resume', 'approve'];

function Controls({ view, onOrder }: { view: RolloutView; onOrder: (action: RolloutAction) => void }) {
  if (!useMayOperate()) return null;
  const shown = view.actions.filter((action) => {
    // capabilities are approved where they are shown
    if (action === 'approve') return view.state !== 'AWAITING_APPROVAL';
    return action !== 'retry' || totals(view.waves).failed > 0;
  });
  return (
    <Group gap="xs" role="group" aria-label="Orders" data-testid="orders">
      {shown.map((action) => (
        <Button
          key={action}
          size="xs"
          variant={FIRST.includes(action) ? 'filled' : 'default'}
          onClick={() => onOrder(action)}
        >
          {ACTION_WORD[action]}…
        </Button>
      ))}
    </Group>
  );
}

function Head({ view, onOrder }: { view: RolloutView; onOrder: (action: RolloutAction) => void }) {
  const segments = partSegments(totals(view.waves));
  const look = ROLLOUT_LOOK[view.state];
  return (
    <header className={classes['header']}>
      <Breadcrumbs separator="/" separatorMargin={6}>
        <Anchor component={Link} href="/rollouts" size="sm">
          Rollouts
        </Anchor>
        <span className={classes['sub']}>no {view.number}</span>
      </Breadcrumbs>
      <div className={classes['line']}>
        <Title order={1}>{view.name}</Title>
        <Status look={look} testId="rollout-state" />
        <Pill>{view.channel}</Pill>
        <ReleasesMoved targets={view.targets} />
        <span className={classes['orders']}>
          <Controls view={view} onOrder={onOrder} />
        </span>
      </div>
      {view.reason !== null && (
        <p
          className={classes['why']}
          data-tone={look.tone === 'ok' ? 'idle' : look.tone}
          data-testid="rollout-reason"
        >
          {view.reason}
        </p>
      )}
      <div className={classes['whole']}>
        <StackedBar segments={segments} />
        <Legend segments={segments} />
      </div>
    </header>
  );
}

function Rollout({ view }: { view: RolloutView }) {
  const [order, setOrder] = useState<RolloutAction | null>(null);
  const isAsked = view.state === 'AWAITING_APPROVAL';
  return (
    <>
      <Head view={view} onOrder={setOrder} />
      <div className={classes['columns']}>
        <Stack gap="md" miw={0} className={classes['waves'] ?? ''}>
          {isAsked && <Approval view={view} onApprove={() => setOrder('approve')} />}
          <Waves view={view} />
        </Stack>
        <Stack gap="md" miw={0} className={classes['side'] ?? ''}>
          <RolloutFacts view={view} />
          {!isAsked && (
            <Section title="Capabilities">
              <CapabilityDiff targets={view.targets} />
            </Section>
          )}
        </Stack>
        <div className={classes['devices']}>
          <Executions view={view} />
        </div>
      </div>
      <OrderDialog action={order} view={view} onClose={() => setOrder(null)} />
    </>
  );
}

export function RolloutPage({ id }: { id: string }) {
  const query = useRollout(id);
  useDocumentTitle(`${query.data?.name ?? 'Rollout'} · Wafer`);
  const isUnknown = query.error instanceof RequestFailed && [404, 422].includes(query.error.status);
  if (query.data === undefined && isUnknown)
    return (
      <Empty title="There is no such rollout" icon="unknown">
        <Anchor component={Link} href="/rollouts">
          See all rollouts
        </Anchor>
      </Empty>
    );
  return (
    <Ready query={query} loading={<Loading rows={8} height={28} />}>
      {(view) => <Rollout view={view} />}
    </Ready>
  );
}
