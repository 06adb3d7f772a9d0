/**
 * Secrets of assignments, sealed before they are sent. Sealing is random and a device refuses another
 * text under the same version, so what was sealed is stored first and only what is stored is sent: of
 * two servers that seal at the same time, the first decides.
 */
import type { DeviceId } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { Deps } from '../deps.ts';
import { untilNoDeadlock } from './again.ts';
import type { AssignedRow } from './desired.ts';

interface Assigned extends Pick<AssignedRow, 'app' | 'execution' | 'secrets' | 'recipient'> {
  readonly device: DeviceId;
}

/** Whether it has secrets that were not sealed yet. */
export const isUnsealed = ({ secrets, sealed }: Pick<AssignedRow, 'secrets' | 'sealed'>): boolean =>
  sealed === null && Object.keys(secrets).length > 0;

/** Seals and stores what can be; of the others a value was replaced meanwhile, and an alignment follows. */
export async function sealAssignments(
  deps: Pick<Deps, 'db' | 'log' | 'vault'>,
  list: readonly Assigned[],
): Promise<void> {
  const sealed = await deps.vault.seal(deps, list);
  const made = list.flatMap(({ device, app, execution }, index) => {
    const values = sealed[index];
    return values === undefined ? [] : [{ device, app, execution, sealed: values }];
  });
  if (made.length === 0) return;
  await untilNoDeadlock(() =>
    deps.db.execute(sql`
      with made as (
        select * from jsonb_to_recordset(${JSON.stringify(made)}::jsonb)
          as made(device text, app text, execution uuid, sealed jsonb)
      ),
      open as materialized (
        select a.device, a.app, made.sealed from assignments a
          join made on made.device = a.device and made.app = a.app and made.execution = a.execution
        where a.sealed is null order by a.device, a.app for update of a
      )
      update assignments a set sealed = open.sealed from open
      where a.device = open.device and a.app = open.app and a.sealed is null`),
  );
}
