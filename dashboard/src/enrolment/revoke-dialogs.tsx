/** Taking access away: of a claim token, and of a device. */
import type { ClaimView, CloneView } from '@wafer/protocol/api';
import { Confirm } from '../elements/confirm.tsx';
import { nameOf, usesLeft } from './claims.ts';
import { useRevokeClaim, useRevokeDevice } from './queries.ts';

export function RevokeClaim({ claim, onClose }: { claim: ClaimView; onClose: () => void }) {
  const revoke = useRevokeClaim();
  return (
    <Confirm
      title={`Revoke ${nameOf(claim)}?`}
      action="Revoke"
      sending={revoke}
      onConfirm={() => revoke.mutate(claim.id, { onSuccess: onClose })}
      onClose={onClose}
    >
      It enrols no more boards; it had {usesLeft(claim)} left. Those that it enrolled stay.
    </Confirm>
  );
}

interface DeviceProps {
  readonly device: CloneView['devices'][number];
  readonly onClose: () => void;
}

export function RevokeDevice({ device, onClose }: DeviceProps) {
  const revoke = useRevokeDevice();
  return (
    <Confirm
      title={`Revoke ${device.name}?`}
      action="Revoke"
      sending={revoke}
      onConfirm={() => revoke.mutate(device.id, { onSuccess: onClose })}
      onClose={onClose}
    >
      <code>{device.id}</code> is cut off at once, and every board that holds its certificate. What it runs
      goes on there, without orders. This cannot be undone: to come back, the board is enrolled anew.
    </Confirm>
  );
}
