/** Alignments by themselves, outside of a channel's move. */
import type { AppName, DeviceId } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { auditRow, SERVER_ACTOR } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { alignment, type Scope } from './align.ts';
import { untilNoDeadlock } from './again.ts';

type Needs = Pick<Deps, 'db' | 'clock'>;

async function align(deps: Needs, scope: Scope): Promise<DeviceId[]> {
  const at = deps.clock.now();
  const audit = auditRow(
    { actor: SERVER_ACTOR, at, action: 'device.aligned', subject: sql`touched.device` },
    sql`touched`,
  );
  const rows = await untilNoDeadlock(() =>
    deps.db.execute<{ device: DeviceId }>(
      sql`with ${alignment(scope, at)}, audited as (${audit}) select device from touched`,
    ),
  );
  return rows.map(({ device }) => device);
}

/**
 * Gives a device what its channels hold, takes what they hold no more, and tries again what timed
 * out. Idempotent: when nothing has to change, nothing is written. Call it after enrolment, when a
 * device's channels change, and at every hello. True when something changed.
 */
export async function assignNewDevice(deps: Needs, device: DeviceId): Promise<boolean> {
  return (await align(deps, { device })).length > 0;
}

/** Puts right what statements that ran at the same time missed of each other. */
export const alignApp = (deps: Needs, app: AppName): Promise<DeviceId[]> => align(deps, { app });

export const alignEverything = (deps: Needs): Promise<DeviceId[]> => align(deps, 'everything');
