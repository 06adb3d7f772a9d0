/**
 * The keys that the server holds: TUF snapshot and timestamp, and the director's. One PKCS #8 PEM file
 * each, mode 0600, in a folder that only the server enters: `<role>.pem` is made on the first start,
 * `<role>-2.pem` and so on are its successors.
 *
 * Which key of a role signs is never said here but by the offline chain: for snapshot and timestamp the
 * one that root names, for the director the newest that targets name. So a successor waits until
 * publishers have signed it in, a crash at any instant leaves one that signs, and several servers agree.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { keyId, publicHex, type OnlineKeyRole, type OnlineKeys } from '@wafer/protocol';
import { writeSecretOnce } from '../db/secret-file.ts';

const ROLES = ['snapshot', 'timestamp', 'director'] as const satisfies readonly OnlineKeyRole[];
const FILE = /^(snapshot|timestamp|director)(?:-([1-9]\d{0,8}))?\.pem$/;

export interface HeldKey {
  readonly role: OnlineKeyRole;
  /** 1, 2, …: a greater one is newer. */
  readonly number: number;
  readonly id: string;
  readonly hex: string;
  readonly key: KeyObject;
  readonly made: Date;
}

/** Key ids that the offline chain names for each role. */
export type Named = Readonly<Record<OnlineKeyRole, readonly string[]>>;

const makePem = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;

const fileOf = (folder: string, role: OnlineKeyRole, number: number): string =>
  join(folder, number === 1 ? `${role}.pem` : `${role}-${number}.pem`);

/** Throws a TypeError when the file holds no ed25519 key: a new one in its place would cut every device off. */
async function loadKey(folder: string, role: OnlineKeyRole, number: number): Promise<HeldKey> {
  const file = fileOf(folder, role, number);
  const key = createPrivateKey(await writeSecretOnce(file, makePem));
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError(`${file} holds no ed25519 key`);
  const hex = publicHex(key);
  return { role, number, id: keyId(hex), hex, key, made: (await stat(file)).mtime };
}

async function loadAll(folder: string): Promise<HeldKey[]> {
  const found = (await readdir(folder)).flatMap((name) => {
    const [, role, number = '1'] = FILE.exec(name) ?? [];
    return role === undefined ? [] : [{ role: role as OnlineKeyRole, number: Number(number) }];
  });
  for (const role of ROLES) if (!found.some((each) => each.role === role)) found.push({ role, number: 1 });
  const keys: HeldKey[] = [];
  for (const { role, number } of found) keys.push(await loadKey(folder, role, number));
  return keys.toSorted((a, b) => a.number - b.number);
}

export class OnlineSigners {
  readonly #folder: string;
  #keys: readonly HeldKey[];

  private constructor(folder: string, keys: readonly HeldKey[]) {
    this.#folder = folder;
    this.#keys = keys;
  }

  /** Reads the keys from `folder`, and makes the first of each role that has none. */
  static async open(folder: string): Promise<OnlineSigners> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new OnlineSigners(folder, await loadAll(folder));
  }

  /** Oldest first. */
  held(role: OnlineKeyRole): readonly HeldKey[] {
    return this.#keys.filter((each) => each.role === role);
  }

  get all(): readonly HeldKey[] {
    return this.#keys;
  }

  /** The newest of the role among `ids`. Rejects when none of them is held here. */
  async signerOf(role: OnlineKeyRole, ids: readonly string[]): Promise<KeyObject> {
    const find = (): HeldKey | undefined => this.held(role).findLast(({ id }) => ids.includes(id));
    // Another server may have made it.
    if (find() === undefined) this.#keys = await loadAll(this.#folder);
    const found = find();
    if (found !== undefined) return found.key;
    throw new Error(
      `the ${role} key ${ids.join(' or ')} is not in ${this.#folder}: restore it, or rotate it`,
    );
  }

  /** Makes a successor; two that race make one. */
  async makeNext(role: OnlineKeyRole): Promise<HeldKey> {
    const newest = this.held(role).at(-1)?.number ?? 0;
    const made = await loadKey(this.#folder, role, newest + 1);
    this.#keys = await loadAll(this.#folder);
    return made;
  }

  /** Removes these for good. */
  async drop(keys: readonly HeldKey[]): Promise<void> {
    for (const { role, number } of keys) await rm(fileOf(this.#folder, role, number), { force: true });
    this.#keys = await loadAll(this.#folder);
  }
}

export const loadSigners = (folder: string): Promise<OnlineSigners> => OnlineSigners.open(folder);

/** The newest of a role that is named; before there is any trust, the newest there is. */
const current = (
  signers: OnlineSigners,
  role: OnlineKeyRole,
  named: Named | undefined,
): HeldKey | undefined =>
  signers.held(role).findLast(({ id }) => named === undefined || named[role].includes(id));

/** A key that was made after the one that signs, and that nothing names yet. */
export function waiting(
  signers: OnlineSigners,
  role: OnlineKeyRole,
  named: Named | undefined,
): HeldKey | undefined {
  const newest = signers.held(role).at(-1);
  return newest === current(signers, role, named) ? undefined : newest;
}

/** Public halves, in the form that a publisher signs into root and targets. */
export function onlineKeys(signers: OnlineSigners, named?: Named): OnlineKeys {
  const hexOf = (role: OnlineKeyRole): string => current(signers, role, named)?.hex ?? '';
  const directors = signers
    .held('director')
    .filter(({ id }) =>
      named === undefined ? id === keyId(hexOf('director')) : named.director.includes(id),
    );
  const next = Object.fromEntries(
    ROLES.flatMap((role) => {
      const successor = waiting(signers, role, named);
      return successor === undefined ? [] : [[role, successor.hex]];
    }),
  );
  return {
    snapshot: hexOf('snapshot'),
    timestamp: hexOf('timestamp'),
    director: { wafer: 1, keys: Object.fromEntries(directors.map(({ id, hex }) => [id, hex])) },
    ...(Object.keys(next).length === 0 ? {} : { next }),
  };
}
