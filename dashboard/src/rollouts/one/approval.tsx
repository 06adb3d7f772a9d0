/** A rollout that lets releases do more waits here for somebody who did not make it. */
import { Button, Group, Text } from '@mantine/core';
import type { RolloutView } from '@wafer/protocol/rollout-views';
import { useMayOperate, useMe } from '../../api/queries.ts';
import { Section } from '../../elements/section.tsx';
import { Icon } from '../../elements/icons.tsx';
import { CapabilityDiff } from '../capability-diff.tsx';
import classes from './one.module.css';

/** As the audit names whoever is signed in. */
function useOwnActor(): string | undefined {
  const me = useMe().data;
  return me ? `${me.via === 'session' ? 'user' : 'token'}:${me.name}` : undefined;
}

function Way({ view, onApprove }: { view: RolloutView; onApprove: () => void }) {
  const own = useOwnActor();
  const mayOperate = useMayOperate();
  if (own === view.createdBy)
    return (
      <p className={classes['notice']} data-tone="warn" data-testid="same-person">
        <Icon name="person" />
        <span>You made this rollout. Another person with the role operator has to approve it.</span>
      </p>
    );
  if (!mayOperate || !view.actions.includes('approve')) return null;
  return (
    <Button onClick={onApprove} data-testid="approve">
      Approve…
    </Button>
  );
}

export function Approval({ view, onApprove }: { view: RolloutView; onApprove: () => void }) {
  return (
    <Section title="Waits for an approval">
      <Text mb={10}>
        {view.createdBy.replace(/^\w+:/, '')} asks to let releases do more than those before might:
      </Text>
      <CapabilityDiff targets={view.targets} />
      <Group mt={14}>
        <Way view={view} onApprove={onApprove} />
      </Group>
    </Section>
  );
}
