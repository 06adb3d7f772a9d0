/** The offline chain as it enters the server: the first root and targets. What follows is in next.ts. */
import { WaferError, type InitTrust } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { z } from 'zod';
import { auditRow, SERVER_ACTOR, type AuditActor } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { makeBlob } from './blob.ts';
import { heldBy, pairFor } from './held.ts';
import { receiveDoc } from './metadata.ts';
import { nextOnline, renewals } from './online.ts';
import { insertBlob, readTrust, storeMetadata } from './store.ts';
import { checkInit, directorBlob, directorOf } from './trust.ts';

const taken = (): WaferError =>
  new WaferError(
    'trust.version-conflict',
    'This server has a root already. A next root goes to POST /trust/metadata.',
  );

/** Throws release.metadata-invalid, trust.signature-invalid, or trust.version-conflict when there is a root. */
export async function initTrust(
  deps: Deps,
  request: z.infer<typeof InitTrust>,
  actor: AuditActor,
): Promise<void> {
  if ((await readTrust(deps.db, [])) !== undefined) throw taken();
  const at = deps.clock.now();
  const root = receiveDoc('root', 'root', request.root);
  const targets = receiveDoc('targets', 'targets', request.targets);
  checkInit(root, targets, heldBy(deps.signers), at);
  const pair = await pairFor(deps.signers, root);
  const { snapshot, timestamp } = nextOnline(undefined, [targets], pair, at);
  const blob = await makeBlob(directorBlob(directorOf(targets)));
  const stored = await storeMetadata(
    deps.db,
    [root, targets, snapshot, timestamp],
    insertBlob(blob, at),
    sql`audited as (${auditRow({ actor, at, action: 'trust.initialised', subject: 'trust', after: { root: root.version } })})`,
  );
  if (!stored) throw taken();
}

/** Signs snapshot and timestamp again where they near their expiry; somebody else's signature is as good. */
export async function renewOnline(deps: Deps): Promise<void> {
  const trust = await readTrust(deps.db, []);
  if (trust === undefined) return;
  const at = deps.clock.now();
  const docs = renewals(trust, await pairFor(deps.signers, trust.root), at);
  if (docs.length === 0) return;
  const versions = Object.fromEntries(docs.map(({ role, version }) => [role, version]));
  await storeMetadata(
    deps.db,
    docs,
    sql`audited as (${auditRow({ actor: SERVER_ACTOR, at, action: 'trust.renewed', subject: 'trust', after: versions })})`,
  );
}

/** Text of the latest root, which a device that enrols takes as its anchor; undefined before POST /trust. */
export async function trustedRoot(deps: Pick<Deps, 'db'>): Promise<string | undefined> {
  return (await readTrust(deps.db, []))?.root.text;
}
