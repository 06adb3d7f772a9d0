/**
 * What the publisher believes before signing on top of it. The server stores the publisher's
 * metadata and could be stolen: whoever holds it must not get foreign targets signed, nor an old
 * state signed anew. So the chain is walked from the root in the publisher's own folder, and no
 * role may be older than what this folder has seen (TUF 1.0.31, clause 5.6).
 */
import { Metadata, MetadataKind } from '@tufjs/models';
import type { Root, Targets } from '@tufjs/models';
import { type SignedMetadata, WaferError } from '@wafer/protocol';
import { TargetsDocument } from './documents.ts';

type Json = Parameters<typeof Metadata.fromJSON>[1];

export interface Verified {
  readonly signed: SignedMetadata;
  readonly document: TargetsDocument;
  readonly metadata: Metadata<Targets>;
}

export const distrust = (what: string, why: string, cause?: unknown): WaferError =>
  new WaferError(
    'trust.signature-invalid',
    `${what} of this server is not to be trusted: ${why}. Nothing was signed`,
    {
      cause,
    },
  );

/** The root in the publisher's folder: well-formed, and signed by the key that it names. */
export function parseRoot(text: string): Metadata<Root> {
  try {
    const root = Metadata.fromJSON(MetadataKind.Root, JSON.parse(text) as Json);
    root.verifyDelegate('root', root);
    return root;
  } catch (error) {
    throw new WaferError('cli.keys-missing', 'root.json in the keys folder is damaged', { cause: error });
  }
}

/** `received` as the role that `delegator` delegates to, no older than `seenVersion`. */
export function verifyRole(
  delegator: Metadata<Root> | Metadata<Targets>,
  name: string,
  received: SignedMetadata,
  seenVersion: number,
): Verified {
  const what = `the metadata "${name}"`;
  let metadata: Metadata<Targets>;
  let document: TargetsDocument;
  try {
    metadata = Metadata.fromJSON(MetadataKind.Targets, received as unknown as Json);
    document = TargetsDocument.parse(received.signed);
  } catch (error) {
    throw distrust(what, 'it is not well-formed', error);
  }
  try {
    delegator.verifyDelegate(name, metadata);
  } catch (error) {
    throw distrust(what, 'its signature is not by the key that must sign it', error);
  }
  if (document.version < seenVersion)
    throw distrust(what, `it is version ${document.version}, but version ${seenVersion} was seen before`);
  return { signed: received, document, metadata };
}
