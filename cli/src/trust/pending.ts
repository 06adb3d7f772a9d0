/**
 * A change of trust on its way: what will be, what it is based on, and the signatures so far. It is
 * a file, so that it can travel to the machines of those who sign. It is complete when every document
 * in it has the threshold of each party that must agree: a root, those of the root before and of
 * itself (TUF 1.0.31, clause 5.3.4); targets, those of the root that will be; the role of an app, those
 * whom the targets that will be delegate to. A release is such a change of its app's role; its bytes lie on
 * the server already, and the channel that its publisher named moves once it is signed.
 */
import {
  AppName,
  ChannelName,
  type CreateRelease,
  Digest,
  isSignedBy,
  MoveChannel,
  type NextMetadata,
  SignedMetadata,
  Version,
  WaferError,
} from '@wafer/protocol';
import { z } from 'zod';
import { RootDocument, TargetsDocument } from './documents.ts';
import { readIfThere } from './key-files.ts';

/** What the role of its app brings, besides itself. */
const PendingRelease = z.strictObject({
  app: AppName,
  version: Version,
  digest: Digest,
  /** Undefined leaves every channel as it is. */
  move: z.strictObject({ channel: ChannelName, to: MoveChannel }).optional(),
});
export type PendingRelease = z.infer<typeof PendingRelease>;

export const Pending = z.strictObject({
  wafer: z.literal(1),
  /** What the server has now; empty when a server is founded. */
  base: z.strictObject({
    root: SignedMetadata.optional(),
    targets: SignedMetadata.optional(),
    /** Of the apps whose roles change, as far as they have published. */
    roles: z.record(AppName, SignedMetadata).default({}),
  }),
  root: SignedMetadata.optional(),
  targets: SignedMetadata.optional(),
  roles: z.record(AppName, SignedMetadata),
  release: PendingRelease.optional(),
});
export type Pending = z.infer<typeof Pending>;

/** Those who must agree to a document: so many of these keys. */
interface Party {
  /** `root`, `targets` or an app. */
  readonly document: string;
  readonly signed: SignedMetadata;
  /** For people: `root version 1`. */
  readonly by: string;
  /** Key id → ed25519 public key in hexadecimal. */
  readonly keys: Readonly<Record<string, string>>;
  readonly threshold: number;
}

export interface Missing {
  readonly document: string;
  readonly by: string;
  /** Signatures that are still to come. */
  readonly count: number;
  /** Key ids that could give them. */
  readonly keys: string[];
}

/** Undefined when there is no such file. Throws cli.usage for what is none. */
export async function readPending(file: string): Promise<Pending | undefined> {
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  try {
    return Pending.parse(JSON.parse(text));
  } catch (error) {
    throw new WaferError('cli.usage', `${file} is no pending change of trust, or was damaged`, {
      cause: error,
    });
  }
}

export const unsigned = (document: RootDocument | TargetsDocument): SignedMetadata => ({
  signed: document,
  signatures: [],
});

type KeyTable = Readonly<Record<string, { readonly [field: string]: unknown }>>;

function publicKeys(ids: readonly string[], table: KeyTable): Record<string, string> {
  const hexOf = (id: string) => (table[id]?.['keyval'] as { public?: unknown } | undefined)?.public;
  return Object.fromEntries(
    ids.flatMap((id) => (typeof hexOf(id) === 'string' ? [[id, hexOf(id) as string]] : [])),
  );
}

function rootParty(
  document: string,
  signed: SignedMetadata,
  by: SignedMetadata,
  role: 'root' | 'targets',
): Party {
  const root = RootDocument.parse(by.signed);
  const { keyids, threshold } = root.roles[role];
  const keys = publicKeys(keyids, root.keys);
  return { document, signed, by: `${role} keys of root version ${root.version}`, keys, threshold };
}

function appParty(app: string, signed: SignedMetadata, targets: TargetsDocument): Party {
  const found = targets.delegations?.roles.find(({ name }) => name === app);
  const keys = publicKeys(found?.keyids ?? [], targets.delegations?.keys ?? {});
  return { document: app, signed, by: `keys of the app ${app}`, keys, threshold: found?.threshold ?? 1 };
}

/** Everybody who must agree. */
function partiesTo({ base, root, targets, roles }: Pending): Party[] {
  const parties: Party[] = [];
  if (root !== undefined) {
    if (base.root !== undefined) parties.push(rootParty('root', root, base.root, 'root'));
    parties.push(rootParty('root', root, root, 'root'));
  }
  const rootAfter = root ?? base.root;
  if (targets !== undefined && rootAfter !== undefined)
    parties.push(rootParty('targets', targets, rootAfter, 'targets'));
  const targetsAfter = targets ?? base.targets;
  for (const [app, role] of Object.entries(roles))
    if (targetsAfter !== undefined)
      parties.push(appParty(app, role, TargetsDocument.parse(targetsAfter.signed)));
  return parties;
}

const hasSigned = ({ signed, keys }: Party, id: string): boolean =>
  isSignedBy(
    signed.signed,
    signed.signatures.filter(({ keyid }) => keyid === id),
    keys,
  );

const missingFor = (party: Party): { count: number; keys: string[] } => {
  const keys = Object.keys(party.keys).filter((id) => !hasSigned(party, id));
  return { count: party.threshold - (Object.keys(party.keys).length - keys.length), keys };
};

/** Whether the role of an app, as it is signed, holds under these targets. */
export const isSignedUnder = (targets: TargetsDocument, app: AppName, role: SignedMetadata): boolean =>
  missingFor(appParty(app, role, targets)).count <= 0;

/** What is still to come; empty when the change is complete. */
export function missingIn(pending: Pending): Missing[] {
  return partiesTo(pending).flatMap((party) => {
    const { count, keys } = missingFor(party);
    return count > 0 ? [{ document: party.document, by: party.by, count, keys }] : [];
  });
}

/** Key ids whose signature a document still lacks, by document. */
export function wantedFrom(pending: Pending): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const party of partiesTo(pending))
    for (const id of Object.keys(party.keys))
      if (!hasSigned(party, id))
        wanted.set(party.document, (wanted.get(party.document) ?? new Set()).add(id));
  return wanted;
}

/** The pending change with one more signature on a document; one that was there under the same key is replaced. */
export function withSignature(
  pending: Pending,
  document: string,
  signature: { keyid: string; sig: string },
): Pending {
  const add = ({ signed, signatures }: SignedMetadata): SignedMetadata => ({
    signed,
    signatures: [...signatures.filter(({ keyid }) => keyid !== signature.keyid), signature],
  });
  if (document === 'root' && pending.root) return { ...pending, root: add(pending.root) };
  if (document === 'targets' && pending.targets) return { ...pending, targets: add(pending.targets) };
  const app = document as AppName;
  const role = pending.roles[app];
  return role === undefined ? pending : { ...pending, roles: { ...pending.roles, [app]: add(role) } };
}

/** A release as the server takes it. */
export function releaseOf(
  { targets, roles }: Pending,
  { app, version, digest }: PendingRelease,
): z.input<typeof CreateRelease> {
  const role = roles[app];
  if (role === undefined) throw new WaferError('cli.usage', `this change releases ${app} without its role`);
  return { app, version, digest, role, ...(targets === undefined ? {} : { targets }) };
}

/** As the server takes it. */
export const metadataOf = ({ root, targets, roles }: Pending): z.input<typeof NextMetadata> => ({
  ...(root === undefined ? {} : { root }),
  ...(targets === undefined ? {} : { targets }),
  roles,
});
