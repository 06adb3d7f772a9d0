/**
 * The root that this folder trusts, brought up to date: from the root.json in the folder, version by
 * version, each signed by the threshold of the one before and by its own (TUF 1.0.31, clause 5.3). A
 * server that was stolen cannot shorten the way, nor lead it elsewhere.
 */
import type { Metadata, Root } from '@tufjs/models';
import { SignedMetadata, WaferError } from '@wafer/protocol';
import type { Api } from '../api/client.ts';
import { RootDocument } from './documents.ts';
import type { Keyring } from './keyring.ts';
import { distrust, parseRoot } from './verify.ts';

/** More roots than this and the server does not tell the truth. */
const MAX_STEPS = 1000;

export interface Anchor {
  readonly signed: SignedMetadata;
  readonly document: RootDocument;
  readonly metadata: Metadata<Root>;
}

/** Throws cli.keys-missing when there is no root.json, or none that verifies. */
export async function heldRoot(keyring: Keyring): Promise<Anchor> {
  const text = await keyring.root();
  if (text !== undefined) return anchorOf(text);
  throw new WaferError(
    'cli.keys-missing',
    `${keyring.folder} holds no root.json: run wafer keys init, or copy it from whoever founded this server, or name the folder with --keys`,
  );
}

export function anchorOf(text: string): Anchor {
  const metadata = parseRoot(text);
  const signed = SignedMetadata.parse(JSON.parse(text));
  return { signed, document: RootDocument.parse(signed.signed), metadata };
}

/** The newest root that the server can prove; kept in the folder. Throws trust.signature-invalid. */
export async function trustedRoot(api: Pick<Api, 'metadata'>, keyring: Keyring): Promise<Anchor> {
  const start = await heldRoot(keyring);
  let current = start;
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    const next = await api.metadata(`${current.document.version + 1}.root.json`);
    if (next === undefined) break;
    current = follow(current, next);
  }
  if (current !== start) await keyring.saveRoot(current.signed);
  return current;
}

/** Throws trust.signature-invalid unless `next` is the root after `current`. */
export function follow(current: Anchor, next: SignedMetadata): Anchor {
  const version = current.document.version + 1;
  const what = `version ${version} of root`;
  let found: Anchor;
  try {
    found = anchorOf(JSON.stringify(next));
    current.metadata.verifyDelegate('root', found.metadata);
  } catch (error) {
    throw distrust(what, 'it is not signed by the threshold of the root before it and by its own', error);
  }
  if (found.document.version !== version)
    throw distrust(what, `it says that it is version ${found.document.version}`);
  return found;
}
