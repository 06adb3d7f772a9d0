/** The offline chain as it enters the server: the first root and targets, and each root that follows. */
import { WaferError, type InitTrust, type SignedMetadata, type TrustStatus } from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import type { z } from 'zod';
import { auditRow, SERVER_ACTOR, type AuditActor } from '../audit/index.ts';
import type { Deps } from '../deps.ts';
import { makeBlob } from './blob.ts';
import { receiveDoc } from './metadata.ts';
import { nextOnline, renewals } from './online.ts';
import { onlineKeys } from './signers.ts';
import { insertBlob, readTrust, storeMetadata } from './store.ts';
import { checkInit, checkNextRoot, directorBlob } from './trust.ts';

const taken = (): WaferError =>
  new WaferError(
    'trust.version-conflict',
    'This server has a root already. A next root goes to POST /trust/root.',
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
  const keys = onlineKeys(deps.signers);
  checkInit(root, targets, keys, at);
  const { snapshot, timestamp } = nextOnline(undefined, [targets], deps.signers, at);
  const blob = await makeBlob(directorBlob(keys.director));
  const stored = await storeMetadata(
    deps.db,
    [root, targets, snapshot, timestamp],
    insertBlob(blob, at),
    sql`audited as (${auditRow({ actor, at, action: 'trust.initialised', subject: 'trust', after: { root: root.version } })})`,
  );
  if (!stored) throw taken();
}

/** Throws like initTrust; trust.version-conflict also when somebody else changed the trust meanwhile. */
export async function nextRoot(deps: Deps, signed: SignedMetadata, actor: AuditActor): Promise<void> {
  const trust = await readTrust(deps.db, []);
  if (trust === undefined)
    throw new WaferError('trust.not-initialised', 'The first root goes to POST /trust.');
  const at = deps.clock.now();
  const root = receiveDoc('root', 'root', signed);
  checkNextRoot(trust.root, root, trust.targets, onlineKeys(deps.signers), at);
  const { snapshot, timestamp } = nextOnline(trust, [], deps.signers, at);
  const stored = await storeMetadata(
    deps.db,
    [root, snapshot, timestamp],
    sql`audited as (${auditRow({
      actor,
      at,
      action: 'trust.root-rotated',
      subject: 'trust',
      before: { root: trust.root.version },
      after: { root: root.version },
    })})`,
  );
  if (!stored)
    throw new WaferError('trust.version-conflict', 'Somebody published meanwhile. Send the root again.');
}

/** Signs snapshot and timestamp again where they near their expiry; somebody else's signature is as good. */
export async function renewOnline(deps: Deps): Promise<void> {
  const trust = await readTrust(deps.db, []);
  if (trust === undefined) return;
  const at = deps.clock.now();
  const docs = renewals(trust, deps.signers, at);
  if (docs.length === 0) return;
  const versions = Object.fromEntries(docs.map(({ role, version }) => [role, version]));
  await storeMetadata(
    deps.db,
    docs,
    sql`audited as (${auditRow({ actor: SERVER_ACTOR, at, action: 'trust.renewed', subject: 'trust', after: versions })})`,
  );
}

export async function trustStatus(deps: Deps): Promise<TrustStatus> {
  const trust = await readTrust(deps.db, 'all');
  if (trust === undefined) return { initialised: false, versions: {}, expires: {} };
  const docs = [trust.root, trust.targets, trust.snapshot, trust.timestamp, ...trust.roles];
  return {
    initialised: true,
    versions: Object.fromEntries(docs.map(({ role, version }) => [role, version])),
    expires: Object.fromEntries(docs.map(({ role, expires }) => [role, expires.toISOString()])),
  };
}

/** Text of the latest root, which a device that enrols takes as its anchor; undefined before POST /trust. */
export async function trustedRoot(deps: Pick<Deps, 'db'>): Promise<string | undefined> {
  return (await readTrust(deps.db, []))?.root.text;
}
