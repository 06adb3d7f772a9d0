/**
 * From a proposed change of trust to a published one. Each machine signs with the keys that lie in
 * its folder; when nobody is missing the change goes to the server, which checks it as a board would.
 * Until then it waits in a file that can be carried on.
 */
import type { SignedMetadata } from '@wafer/protocol';
import { signDocument, WaferError } from '@wafer/protocol';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Api } from '../api/client.ts';
import { anchorOf, follow, heldRoot } from './anchor.ts';
import { describeChange } from './describe-change.ts';
import { writeWhole } from './key-files.ts';
import type { Keyring } from './keyring.ts';
import {
  metadataOf,
  missingIn,
  type Missing,
  type Pending,
  readPending,
  wantedFrom,
  withSignature,
} from './pending.ts';

export interface Outcome {
  readonly state: 'published' | 'pending';
  /** Where it waits, while it does. */
  readonly file: string | null;
  /** What it changes, one line each. */
  readonly changes: string[];
  /** Names of the keys that signed in this run. */
  readonly signedWith: string[];
  readonly missing: Missing[];
}

export type CeremonyApi = Pick<Api, 'initTrust' | 'nextMetadata' | 'role'>;

export const pendingFile = (keyring: Keyring): string => join(keyring.folder, 'pending.json');

/** Throws cli.usage when another change waits: two changes of one version cannot both come true. */
export async function mustBeAlone(keyring: Keyring): Promise<void> {
  const file = pendingFile(keyring);
  if ((await readPending(file)) === undefined) return;
  throw new WaferError(
    'cli.usage',
    `${file} waits for signatures: finish it with wafer keys sign and wafer keys publish, or remove it`,
  );
}

/** Signs with what lies here; publishes when that is enough and `api` is given, else keeps it in `file`. */
export async function advance(
  proposed: Pending,
  keyring: Keyring,
  { api, file }: { api: CeremonyApi | undefined; file: string },
): Promise<Outcome> {
  const { pending, signedWith } = await signHere(proposed, keyring);
  const missing = missingIn(pending);
  const changes = describeChange(pending);
  if (missing.length === 0 && api !== undefined) {
    // Kept first: signatures of other machines are not lost when the server refuses or is away.
    await writeWhole(file, textOf(pending));
    await hand(api, pending);
    await remember(keyring, pending);
    await unlink(file).catch(() => undefined);
    return { state: 'published', file: null, changes, signedWith, missing };
  }
  await writeWhole(file, textOf(pending));
  return { state: 'pending', file, changes, signedWith, missing };
}

const textOf = (pending: Pending): string => `${JSON.stringify(pending, null, 2)}\n`;

async function signHere(
  proposed: Pending,
  keyring: Keyring,
): Promise<{ pending: Pending; signedWith: string[] }> {
  let pending = proposed;
  const signedWith: string[] = [];
  const wanted = wantedFrom(pending);
  for (const { name, keyid } of await keyring.list()) {
    const documents = [...wanted].filter(([, ids]) => ids.has(keyid)).map(([document]) => document);
    if (documents.length === 0) continue;
    const key = await keyring.open(name);
    for (const document of documents) {
      const [signature] = signDocument(bodyOf(pending, document), key).signatures;
      if (signature !== undefined) pending = withSignature(pending, document, signature);
    }
    signedWith.push(name);
  }
  return { pending, signedWith };
}

function bodyOf({ root, targets, roles }: Pending, document: string): unknown {
  if (document === 'root') return root?.signed;
  return document === 'targets' ? targets?.signed : roles[document as keyof typeof roles]?.signed;
}

/** A run that was cut off after the server had taken it finds its own change there. */
async function hand(api: CeremonyApi, pending: Pending): Promise<void> {
  const { base, root, targets } = pending;
  try {
    if (base.root === undefined && root !== undefined && targets !== undefined)
      await api.initTrust({ root, targets });
    else await api.nextMetadata(metadataOf(pending));
  } catch (error) {
    const wasTaken = error instanceof WaferError && error.code === 'trust.version-conflict';
    if (wasTaken && (await isThere(api, pending))) return;
    throw wasTaken
      ? new WaferError(
          'trust.version-conflict',
          `${error.message} If somebody else changed the trust meanwhile, remove the pending file and propose the change anew.`,
          { cause: error },
        )
      : error;
  }
}

async function isThere(api: CeremonyApi, { root, targets, roles }: Pending): Promise<boolean> {
  const documents: [string, SignedMetadata | undefined][] = [
    ['root', root],
    ['targets', targets],
    ...Object.entries(roles),
  ];
  for (const [role, document] of documents) {
    if (document === undefined) continue;
    const { signed } = await api.role(role);
    if (!isDeepStrictEqual(plain(signed), plain(document.signed))) return false;
  }
  return true;
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

async function remember(keyring: Keyring, { root, targets, roles }: Pending): Promise<void> {
  if (root !== undefined) await keyring.saveRoot(root);
  const documents: [string, SignedMetadata | undefined][] = [['targets', targets], ...Object.entries(roles)];
  await keyring.raiseSeen(
    Object.fromEntries(
      documents.flatMap(([role, document]) =>
        document === undefined ? [] : [[role, Number(document.signed['version'])]],
      ),
    ),
  );
}

/**
 * A file that somebody else brought is believed only where it starts from the root that this folder
 * trusts. A folder without root.json belongs to someone who signs for the first time: they are shown
 * what they sign, and cannot be shown more. Throws trust.signature-invalid.
 */
export async function mustStartHere(pending: Pending, keyring: Keyring): Promise<{ anchored: boolean }> {
  if ((await keyring.root()) === undefined) return { anchored: false };
  const held = await heldRoot(keyring);
  const { base } = pending;
  const differs = (why: string) =>
    new WaferError('trust.signature-invalid', `this change is not to be signed: ${why}. Nothing was signed`);
  if (base.root === undefined) throw differs('it founds a server, and this folder trusts one already');
  const anchor = anchorOf(JSON.stringify(base.root));
  const { version } = anchor.document;
  if (version === held.document.version + 1) follow(held, base.root);
  else if (version !== held.document.version)
    throw differs(
      `it starts from root version ${version}, and this folder trusts version ${held.document.version}; run wafer keys status to catch up`,
    );
  else if (!isDeepStrictEqual(plain(base.root.signed), plain(held.signed.signed)))
    throw differs(`it starts from another root version ${version} than this folder trusts`);
  return { anchored: true };
}
