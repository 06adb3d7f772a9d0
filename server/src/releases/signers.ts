/**
 * The keys that the server holds: TUF snapshot and timestamp, and the director's. Made on the first
 * start, one PKCS #8 PEM file each, mode 0600, in a folder that only the server enters.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { keyId, publicHex, type OnlineKeys } from '@wafer/protocol';
import { writeSecretOnce } from '../db/secret-file.ts';

export interface OnlineSigners {
  readonly snapshot: KeyObject;
  readonly timestamp: KeyObject;
  readonly director: KeyObject;
}

const makePem = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;

/** Throws a TypeError when the file holds no ed25519 key: a new one in its place would cut every device off. */
async function loadKey(folder: string, name: keyof OnlineSigners): Promise<KeyObject> {
  const key = createPrivateKey(await writeSecretOnce(join(folder, `${name}.pem`), makePem));
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError(`${name}.pem holds no ed25519 key`);
  return key;
}

/** Reads the three keys from `folder`, and makes what is not there. */
export async function loadSigners(folder: string): Promise<OnlineSigners> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return {
    snapshot: await loadKey(folder, 'snapshot'),
    timestamp: await loadKey(folder, 'timestamp'),
    director: await loadKey(folder, 'director'),
  };
}

/** Public halves, in the form that a publisher signs into root and targets. */
export function onlineKeys(signers: OnlineSigners): OnlineKeys {
  const director = publicHex(signers.director);
  return {
    snapshot: publicHex(signers.snapshot),
    timestamp: publicHex(signers.timestamp),
    director: { wafer: 1, keys: { [keyId(director)]: director } },
  };
}
