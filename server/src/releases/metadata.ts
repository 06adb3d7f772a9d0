/**
 * TUF metadata as text that was signed and as the object that it says. The text is what is stored,
 * served and hashed; the object is always read from that same text, so nothing is verified that is
 * not also what devices get.
 */
import { createHash } from 'node:crypto';
import {
  Metadata,
  MetadataKind,
  type Root,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models';
import { WaferError, type SignedMetadata } from '@wafer/protocol';

interface Kinds {
  root: Root;
  targets: Targets;
  snapshot: Snapshot;
  timestamp: Timestamp;
}
export type Kind = keyof Kinds;

export interface Doc<K extends Kind> {
  /** `root`, `targets`, `snapshot`, `timestamp` or an app's name. */
  readonly role: string;
  readonly version: number;
  readonly expires: Date;
  readonly text: string;
  readonly meta: Metadata<Kinds[K]>;
}

/** What tuf-js accepts by default (its `targetsMaxLength`); a larger role would stop every device. */
const MAX_METADATA_BYTES = 5_000_000;

const KINDS = {
  root: MetadataKind.Root,
  targets: MetadataKind.Targets,
  snapshot: MetadataKind.Snapshot,
  timestamp: MetadataKind.Timestamp,
} as const;

export const sha256 = (bytes: string | Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Throws release.metadata-invalid for what is no metadata of this kind. The text is attacker-controlled. */
export function readDoc<K extends Kind>(kind: K, role: string, text: string): Doc<K> {
  if (Buffer.byteLength(text) > MAX_METADATA_BYTES)
    throw new WaferError(
      'request.too-large',
      `The metadata of ${role} is over ${MAX_METADATA_BYTES} bytes, which devices refuse. Raise the floor and drop the releases below it.`,
    );
  try {
    // The overloads of fromJSON want one literal kind; the pairs in KINDS are those of the overloads.
    const meta = Metadata.fromJSON(KINDS[kind] as MetadataKind.Root, JSON.parse(text)) as unknown as Metadata<
      Kinds[K]
    >;
    const { version, expires } = meta.signed;
    if (!Number.isSafeInteger(version) || version < 1 || version > 0x7fff_ffff)
      throw new TypeError('version must be a positive integer');
    return { role, version, expires: new Date(expires), text, meta };
  } catch (cause) {
    throw new WaferError(
      'release.metadata-invalid',
      `This is no ${kind} metadata: ${(cause as Error).message}.`,
      {
        cause,
      },
    );
  }
}

/** Metadata as it came in a request. */
export const receiveDoc = <K extends Kind>(kind: K, role: string, signed: SignedMetadata): Doc<K> =>
  readDoc(kind, role, JSON.stringify(signed));

/** Throws trust.signature-invalid unless `delegator`'s threshold of keys for the role signed `doc`. */
export function mustBeSigned(
  delegator: Doc<'root'> | Doc<'targets'>,
  doc: Doc<'root'> | Doc<'targets'>,
): void {
  try {
    (delegator.meta as Metadata<Root>).verifyDelegate(doc.role, doc.meta);
  } catch (cause) {
    throw new WaferError(
      'trust.signature-invalid',
      `Version ${doc.version} of ${doc.role} is not signed as ${delegator.role} version ${delegator.version} asks: ${(cause as Error).message}.`,
      { cause },
    );
  }
}

export function mustNotBeExpired(doc: Doc<Kind>, nowMs: number): void {
  if (doc.expires.getTime() <= nowMs)
    throw new WaferError(
      'release.metadata-invalid',
      `Version ${doc.version} of ${doc.role} expired at ${doc.expires.toISOString()}. Sign it again with a later expiry.`,
    );
}

export function mustBeNext(doc: Doc<Kind>, current: number): void {
  if (doc.version !== current + 1)
    throw new WaferError(
      'trust.version-conflict',
      `${doc.role} is at version ${current}, so the next one is ${current + 1}, not ${doc.version}. Read it again, add your change to it and sign that.`,
    );
}
