/**
 * The publisher's folder of offline keys, and what the publisher remembers between two runs:
 *
 *     root.pem targets.pem app-<name>.pem   ed25519 private keys, PKCS #8, mode 0600
 *     root.json                             the root that these keys founded: the anchor of trust
 *     seen.json                             highest version of each role that was seen
 *
 * Keys are made here and never leave. An existing key file is never written again.
 */
import { publicHex, type SignedMetadata, WaferError } from '@wafer/protocol';
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Context } from '../context.ts';

const DEFAULT_FOLDER = 'wafer-keys';

/** `root`, `targets` or `app-<name>`. */
type KeyName = string;

export interface Keyring {
  readonly folder: string;
  readonly find: (name: KeyName) => Promise<KeyObject | undefined>;
  /** The key, made first if it is not there. */
  readonly findOrMake: (name: KeyName) => Promise<KeyObject>;
  /** The text of root.json; undefined before `wafer keys init`. */
  readonly root: () => Promise<string | undefined>;
  readonly saveRoot: (root: SignedMetadata) => Promise<void>;
  readonly seen: () => Promise<Record<string, number>>;
  /** Raises what was seen; never lowers it. */
  readonly raiseSeen: (versions: Record<string, number>) => Promise<void>;
}

/** --keys, else WAFER_KEYS, else ./wafer-keys. */
export const keysFolder = (option: string | undefined, { env, cwd }: Context): string =>
  resolve(cwd, option ?? (env['WAFER_KEYS'] || DEFAULT_FOLDER));

export function openKeyring(folder: string): Keyring {
  const find = async (name: KeyName) => {
    const pem = await readIfThere(join(folder, `${name}.pem`));
    return pem === undefined ? undefined : parseKey(pem, join(folder, `${name}.pem`));
  };
  const seenFile = join(folder, 'seen.json');
  const seen = async () => {
    const text = await readIfThere(seenFile);
    return text === undefined ? {} : parseSeen(text, seenFile);
  };
  return {
    folder,
    find,
    findOrMake: async (name) => (await find(name)) ?? makeKey(folder, name),
    root: () => readIfThere(join(folder, 'root.json')),
    saveRoot: (root) => writeWhole(join(folder, 'root.json'), `${JSON.stringify(root, null, 2)}\n`),
    seen,
    raiseSeen: async (versions) =>
      writeWhole(seenFile, `${JSON.stringify(highest(await seen(), versions), null, 2)}\n`),
  };
}

/** Two runs at once make one key: whoever comes second finds the first one's. */
async function makeKey(folder: string, name: KeyName): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${name}.pem`);
  const fresh = await writeFresh(file, pem);
  try {
    // Unlike a rename, a link never replaces what is there.
    await link(fresh, file);
    return privateKey;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return parseKey(await readFile(file, 'utf8'), file);
  } finally {
    await unlink(fresh);
  }
}

function parseKey(pem: string, file: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    publicHex(key);
    return key;
  } catch (error) {
    throw new WaferError('cli.keys-missing', `${file} holds no ed25519 private key in PEM`, { cause: error });
  }
}

function parseSeen(text: string, file: string): Record<string, number> {
  try {
    return z.record(z.string(), z.number().int().min(1)).parse(JSON.parse(text));
  } catch (error) {
    // Taking it for empty would let a server roll the publisher back.
    throw new WaferError(
      'cli.keys-missing',
      `${file} is damaged: restore it, or remove it if you trust the server`,
      {
        cause: error,
      },
    );
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new WaferError('cli.keys-missing', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** On disk before its name is: a crash leaves the old file or the new one. */
async function writeWhole(file: string, text: string): Promise<void> {
  await rename(await writeFresh(file, text), file);
}

/** The text in a file of its own beside `file`, synced; gives its path. */
async function writeFresh(file: string, text: string): Promise<string> {
  const fresh = `${file}.${randomUUID()}.new`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return fresh;
}

const highest = (a: Record<string, number>, b: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.keys({ ...a, ...b }).map((role) => [role, Math.max(a[role] ?? 0, b[role] ?? 0)]));
