/**
 * From a proposed change of trust to a published one. Each machine signs with the keys that lie in
 * its folder; when nobody is missing the change goes to the server, which checks it as a board would.
 * Until then it waits in a file that can be carried on.
 */
import type { ChannelName, SignedMetadata } from '@wafer/protocol';
import { signDocument, WaferError } from '@wafer/protocol';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Api } from '../api/client.ts';
import { describeChange } from './describe-change.ts';
import { writeWhole } from './key-files.ts';
import type { Keyring } from './keyring.ts';
import {
  metadataOf,
  missingIn,
  type Missing,
  type Pending,
  readPending,
  releaseOf,
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
  /** The channel that a release was brought to, and how many devices were told. */
  readonly moved: { readonly channel: ChannelName; readonly devices: number } | null;
}

export type CeremonyApi = Pick<Api, 'initTrust' | 'nextMetadata' | 'role' | 'createRelease' | 'moveChannel'>;

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

interface Way {
  /** Undefined where nothing is handed over. */
  readonly api: CeremonyApi | undefined;
  /** Where the change waits until it was. */
  readonly file: string;
}

/** Signs with what lies here; publishes when that is enough and `api` is given, else keeps it in `file`. */
export async function advance(proposed: Pending, keyring: Keyring, way: Way): Promise<Outcome> {
  return settle(await signHere(proposed, keyring), keyring, way);
}

/** As `advance`, with the signatures that are there. */
export async function settle(
  { pending, signedWith }: { pending: Pending; signedWith: string[] },
  keyring: Keyring,
  { api, file }: Way,
): Promise<Outcome> {
  const missing = missingIn(pending);
  const changes = describeChange(pending);
  // Kept first: signatures of other machines are not lost when the server refuses or is away.
  await writeWhole(file, textOf(pending));
  if (missing.length > 0 || api === undefined)
    return { state: 'pending', file, changes, signedWith, missing, moved: null };
  await hand(api, pending);
  await remember(keyring, pending);
  const moved = await moveChannel(api, pending);
  await unlink(file).catch(() => undefined);
  return { state: 'published', file: null, changes, signedWith, missing, moved };
}

async function moveChannel(api: CeremonyApi, { release }: Pending): Promise<Outcome['moved']> {
  if (release?.move === undefined) return null;
  const { channel, to } = release.move;
  const { devices } = await api.moveChannel(channel, release.app, to);
  return { channel, devices };
}

const textOf = (pending: Pending): string => `${JSON.stringify(pending, null, 2)}\n`;

/** The change with the signatures of all keys that lie here and are asked for, and the names of those keys. */
export async function signHere(
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
  const { base, root, targets, release } = pending;
  try {
    if (release !== undefined) await api.createRelease(releaseOf(pending, release));
    else if (base.root === undefined && root !== undefined && targets !== undefined)
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

/** A folder that has handed a change over takes nothing older any more. */
export async function remember(keyring: Keyring, { root, targets, roles }: Pending): Promise<void> {
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
