/** Asks before an order is given, and says why one was refused. */
import { Button, Group, Modal, Stack, Text, Textarea } from '@mantine/core';
import type { RolloutAction } from '@wafer/protocol/rollout-states';
import type { RolloutView } from '@wafer/protocol/rollout-views';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { RequestFailed } from '../../api/client.ts';
import { Icon } from '../../elements/icons.tsx';
import { Failure } from '../../elements/notice.tsx';
import { CapabilityDiff } from '../capability-diff.tsx';
import { ACTION_WORD, ROLLOUT_LOOK } from '../looks.ts';
import { isChanged, useOrder } from '../queries.ts';
import { orderText } from './orders.ts';
import classes from './one.module.css';

const MAX_REASON = 500;

interface Props {
  readonly action: RolloutAction;
  readonly view: RolloutView;
  readonly onClose: () => void;
}

function Refusal({ error, view }: { error: unknown; view: RolloutView }) {
  if (isChanged(error))
    return (
      <p className={classes['notice']} data-tone="warn" role="alert" data-testid="order-changed">
        <Icon name="warn" />
        <span>
          It changed since you looked: it is {ROLLOUT_LOOK[view.state].word.toLowerCase()} now. Nothing was
          ordered. Look at it again before you do.
        </span>
      </p>
    );
  if (error instanceof RequestFailed && error.code === 'rollout.same-person')
    return (
      <p className={classes['notice']} data-tone="warn" role="alert" data-testid="same-person">
        <Icon name="person" />
        <span>
          {error.title}. {error.message}
        </span>
      </p>
    );
  return <Failure error={error} />;
}

const isDrastic = (action: RolloutAction): boolean => action === 'abort' || action === 'rollback';

function Question({ action, view, onClose }: Props) {
  const order = useOrder();
  const [, go] = useLocation();
  const [reason, setReason] = useState('');
  const give = () =>
    order.mutate(
      { view, action, reason: reason.trim(), key: crypto.randomUUID() },
      {
        onSuccess: ({ id }) => {
          onClose();
          // taking back a completed rollout is a rollout of its own
          if (id !== view.id) go(`/rollouts/${id}`);
        },
      },
    );
  const isPossible = view.actions.includes(action);
  return (
    <Stack gap="md">
      {isPossible ? (
        <>
          <Text>{orderText(action, view)}</Text>
          {action === 'approve' && view.state === 'AWAITING_APPROVAL' && (
            <CapabilityDiff targets={view.targets} />
          )}
        </>
      ) : (
        <Text>
          It is {ROLLOUT_LOOK[view.state].word.toLowerCase()} now, and this cannot be ordered any more.
        </Text>
      )}
      <Textarea
        label="Reason"
        description="Optional. It goes on record."
        maxLength={MAX_REASON}
        autosize
        minRows={2}
        data-autofocus
        value={reason}
        onChange={({ currentTarget }) => setReason(currentTarget.value)}
      />
      {order.error && <Refusal error={order.error} view={view} />}
      <Group justify="flex-end" gap="sm">
        <Button variant="default" onClick={onClose}>
          Leave it
        </Button>
        <Button
          {...(isDrastic(action) && { color: 'red' })}
          disabled={!isPossible}
          loading={order.isPending}
          onClick={give}
        >
          {ACTION_WORD[action]}
        </Button>
      </Group>
    </Stack>
  );
}

export function OrderDialog({
  action,
  view,
  onClose,
}: Omit<Props, 'action'> & { action: RolloutAction | null }) {
  return (
    <Modal
      opened={action !== null}
      onClose={onClose}
      title={action === null ? '' : `${ACTION_WORD[action]}: ${view.name}`}
      centered
    >
      {action !== null && <Question key={action} action={action} view={view} onClose={onClose} />}
    </Modal>
  );
}
