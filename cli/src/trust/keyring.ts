/**
 * The publisher's folder of offline keys, and what the publisher remembers between two runs:
 *
 *     <name>.key      an ed25519 private key, sealed with a passphrase (sealed-key.ts)
 *     <name>.pem      the same in the open, PKCS #8; made with --no-passphrase only
 *     root.json       the newest root that was verified: the anchor of trust
 *     seen.json       highest version of each role that was seen
 *     pending.json    a change of trust that still lacks signatures (pending.ts)
 *
 * Names are `root`, `root.2`, …, `targets`, `app-<name>` (a dot, which no app's name has), but what a key may sign is said by its id
 * in the metadata, never by its name. Keys are made here and never leave; all files have mode 0600.
 * An existing key file is never written again.
 */
import { keyId, publicHex, type SignedMetadata, WaferError } from '@wafer/protocol';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { readIfThere, writeOnce, writeWhole } from './key-files.ts';
import type { Passphrases } from './passphrase.ts';
import { openSealed, parseSealed, sealKey } from './sealed-key.ts';

const DEFAULT_FOLDER = 'wafer-keys';

/** What can be known of a key without opening it. */
export interface HeldKey {
  readonly name: string;
  readonly keyid: string;
  /** ed25519 public key, hexadecimal. */
  readonly publicHex: string;
  readonly sealed: boolean;
}

export interface Keyring {
  readonly folder: string;
  /** Every key in the folder, by name. */
  readonly list: () => Promise<HeldKey[]>;
  /** Asks for the passphrase when the key is sealed. Throws cli.keys-missing, cli.passphrase-wrong. */
  readonly open: (name: string) => Promise<KeyObject>;
  /** The key of this name, made first if it is not there. */
  readonly findOrMake: (name: string) => Promise<HeldKey>;
  /** A new key of the first name that is free: `root`, `root.2`, … */
  readonly make: (stem: string) => Promise<HeldKey>;
  /** Seals every key that lies open, and removes the open file; the names of those keys. */
  readonly seal: () => Promise<string[]>;
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

export function openKeyring(folder: string, passphrases: Passphrases): Keyring {
  const seenFile = join(folder, 'seen.json');
  const seen = async () => {
    const text = await readIfThere(seenFile);
    return text === undefined ? {} : parseSeen(text, seenFile);
  };
  const findOrMake = async (name: string) =>
    (await find(folder, name)) ?? (await make(folder, name, passphrases));
  return {
    folder,
    list: () => list(folder),
    open: (name) => openKey(folder, name, passphrases),
    findOrMake,
    make: async (stem) => findOrMake(await freeName(folder, stem)),
    seal: () => sealAll(folder, passphrases),
    root: () => readIfThere(join(folder, 'root.json')),
    saveRoot: (root) => writeWhole(join(folder, 'root.json'), `${JSON.stringify(root, null, 2)}\n`),
    seen,
    raiseSeen: async (versions) =>
      writeWhole(seenFile, `${JSON.stringify(highest(await seen(), versions), null, 2)}\n`),
  };
}

async function list(folder: string): Promise<HeldKey[]> {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new WaferError('cli.keys-missing', `${folder} cannot be read: ${error.message}`, { cause: error });
  });
  const names = new Set(
    files.flatMap((file) => /^([a-z][a-z0-9-]*(?:\.\d+)?)\.(?:key|pem)$/.exec(file)?.[1] ?? []),
  );
  const held = await Promise.all([...names].toSorted().map((name) => find(folder, name)));
  return held.filter((key) => key !== undefined);
}

async function find(folder: string, name: string): Promise<HeldKey | undefined> {
  const [keyFile, pemFile] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const [text, pem] = [await readIfThere(keyFile), await readIfThere(pemFile)];
  if (text === undefined && pem === undefined) return undefined;
  const hex =
    text === undefined ? publicHex(parsePem(pem ?? '', pemFile)) : parseSealed(text, keyFile).public;
  // A run of `seal` that was cut off leaves both: then the key still lies open.
  return { name, keyid: keyId(hex), publicHex: hex, sealed: pem === undefined };
}

async function openKey(folder: string, name: string, { toOpen }: Passphrases): Promise<KeyObject> {
  const file = join(folder, `${name}.key`);
  const text = await readIfThere(file);
  if (text === undefined) {
    const pem = await readIfThere(join(folder, `${name}.pem`));
    if (pem !== undefined) return parsePem(pem, join(folder, `${name}.pem`));
    throw new WaferError('cli.keys-missing', `${folder} holds no key ${name}`);
  }
  const sealed = parseSealed(text, file);
  let tries = 0;
  for await (const passphrase of toOpen(name)) {
    tries += 1;
    const key = await openSealed(sealed, passphrase);
    if (key !== undefined) return key;
  }
  throw new WaferError(
    'cli.passphrase-wrong',
    tries === 0
      ? `${file} is sealed: give --passphrase-file or WAFER_KEYS_PASSPHRASE, or run this at a terminal`
      : `${file} does not open with this passphrase; if you are sure of it, the file was altered`,
  );
}

/** Two runs at once make one key: whoever comes second finds the first one's. */
async function make(folder: string, name: string, passphrases: Passphrases): Promise<HeldKey> {
  const passphrase = await passphraseFor(folder, passphrases);
  const { privateKey } = generateKeyPairSync('ed25519');
  if (passphrase === undefined)
    await writeOnce(
      join(folder, `${name}.pem`),
      privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    );
  else await writeOnce(join(folder, `${name}.key`), await sealKey(privateKey, passphrase));
  const held = await find(folder, name);
  if (held !== undefined) return held;
  throw new WaferError('cli.keys-missing', `${folder} lost the key ${name} while it was made`);
}

/** The sealed file is there, and opens, before the open one goes. */
async function sealAll(folder: string, passphrases: Passphrases): Promise<string[]> {
  const open = (await list(folder)).filter(({ sealed }) => !sealed);
  const passphrase = open.length === 0 ? undefined : await passphrases.toSeal();
  if (passphrase === undefined) return [];
  for (const { name } of open) {
    const [from, to] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
    await writeOnce(to, await sealKey(parsePem(await readFile(from, 'utf8'), from), passphrase));
    if ((await openSealed(parseSealed(await readFile(to, 'utf8'), to), passphrase)) === undefined)
      throw new WaferError('cli.passphrase-wrong', `${to} was sealed before with another passphrase`);
    await unlink(from);
  }
  return open.map(({ name }) => name);
}

/**
 * What to seal a new key with. A folder that was made with --no-passphrase stays so without questions; where
 * keys are sealed already, the passphrase has to open one of them, so that none is sealed with a mistake.
 */
async function passphraseFor(folder: string, passphrases: Passphrases): Promise<string | undefined> {
  const held = await list(folder);
  const sealed = held.find((key) => key.sealed);
  if (sealed === undefined) return held.length > 0 ? undefined : passphrases.toSeal();
  await openKey(folder, sealed.name, passphrases);
  return passphrases.toSeal();
}

async function freeName(folder: string, stem: string): Promise<string> {
  const taken = new Set((await list(folder)).map(({ name }) => name));
  if (!taken.has(stem)) return stem;
  for (let number = 2; ; number += 1) if (!taken.has(`${stem}.${number}`)) return `${stem}.${number}`;
}

function parsePem(pem: string, file: string): KeyObject {
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
      { cause: error },
    );
  }
}

const highest = (a: Record<string, number>, b: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.keys({ ...a, ...b }).map((role) => [role, Math.max(a[role] ?? 0, b[role] ?? 0)]));
