/** Desired state to devices: read in one query, signed by the director, published. */
import { MAX_PAYLOAD_BYTES, deviceTopic, signDocument, type DeviceId } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { Deps } from '../deps.ts';
import { textArray } from '../db/values.ts';
import { directorSigner } from '../releases/index.ts';
import { assignNewDevice } from './assign.ts';
import { desiredState, type AssignedRow } from './desired.ts';
import { isUnsealed, sealAssignments } from './seal.ts';

interface Current {
  readonly [column: string]: unknown;
  readonly device: DeviceId;
  readonly version: number;
  readonly rows: AssignedRow[];
}

/**
 * Version and rows of one instant, so that a version never stands over the rows of another. Devices
 * that were never told anything have version 0 and are left out.
 */
const readCurrent = (db: Deps['db'], ids: readonly DeviceId[]): PromiseLike<Current[]> =>
  db.execute<Current>(sql`
    select d.id as device, d.desired_version as version, coalesce(
      jsonb_agg(to_jsonb(a) || jsonb_build_object('digest', r.digest, 'length', r.length, 'counter', r.counter))
        filter (where r.app is not null), '[]') as rows
    from devices d
      left join assignments a on a.device = d.id
      left join releases r on r.app = a.app and r.version = a.version
    where d.id = any(${textArray(ids)}) and d.revoked is null and d.desired_version > 0
    group by d.id`);

/** As `readCurrent`, with every secret sealed; a device of which one could not be is left out. */
async function readSealed(deps: Deps, ids: readonly DeviceId[]): Promise<Current[]> {
  const read = await readCurrent(deps.db, ids);
  const open = read.flatMap(({ device, rows }) => rows.filter(isUnsealed).map((row) => ({ ...row, device })));
  if (open.length === 0) return read;
  await sealAssignments(deps, open);
  return (await readCurrent(deps.db, ids)).filter(({ rows }) => !rows.some(isUnsealed));
}

/** Tells devices what they should run. Rejects when the database or the broker does not answer; sending again is harmless. */
export async function sendDesiredTo(deps: Deps, ids: readonly DeviceId[]): Promise<void> {
  const now = deps.clock.now();
  const director = await directorSigner(deps);
  for (const { device, version, rows } of await readSealed(deps, ids)) {
    const document = signDocument(desiredState(device, version, rows, now), director);
    const payload = JSON.stringify(document);
    const bytes = Buffer.byteLength(payload);
    if (bytes > MAX_PAYLOAD_BYTES)
      deps.log.error({ device, bytes }, 'the desired state is too large to be sent');
    else await deps.bus.publish(deviceTopic(device, 'desired'), payload, { qos: 1 });
  }
}

/**
 * The answer to a hello: what the device should have by its channels now, also when that changed while
 * nobody looked or timed out while it was away. Rejects like sendDesiredTo.
 */
export async function sendDesired(deps: Deps, device: DeviceId): Promise<void> {
  await assignNewDevice(deps, device);
  await sendDesiredTo(deps, [device]);
}
