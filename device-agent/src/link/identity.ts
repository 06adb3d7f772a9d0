/**
 * Who this board is: DIR/identity/{key.pem,cert.pem,ca.pem,identity.json}. The folder appears in
 * one rename, so a board is enrolled wholly or not at all.
 *
 * Renewal (renewal.ts) replaces cert.pem alone, as a whole: the key stays.
 */
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DeviceId, Timestamp } from '@wafer/protocol';
import { z } from 'zod';
import { replaceFile, syncFolder, writeSynced } from '../state/durable.ts';

const IdentityFile = z.strictObject({
  device: DeviceId,
  server: z.string(),
  broker: z.strictObject({ host: z.string(), port: z.number().int() }),
  enrolled: Timestamp,
});

export interface Identity extends z.infer<typeof IdentityFile> {
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
}

const folderOf = (dataFolder: string): string => join(dataFolder, 'identity');

/** Undefined when the board is not enrolled; throws when the folder is there but damaged. */
export async function readIdentity(dataFolder: string): Promise<Identity | undefined> {
  const read = (name: string) => readFile(join(folderOf(dataFolder), name), 'utf8');
  let text: string;
  try {
    text = await read('identity.json');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const [key, certificate, ca] = await Promise.all([read('key.pem'), read('cert.pem'), read('ca.pem')]);
  return { ...IdentityFile.parse(JSON.parse(text)), key, certificate, ca };
}

/** Stores all of it, private key at mode 0600, or nothing. Refuses to replace an identity. */
export async function storeIdentity(dataFolder: string, identity: Identity): Promise<void> {
  const { key, certificate, ca, ...facts } = identity;
  const fresh = `${folderOf(dataFolder)}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  await writeSynced(join(fresh, 'key.pem'), key, 0o600);
  await writeSynced(join(fresh, 'cert.pem'), certificate, 0o644);
  await writeSynced(join(fresh, 'ca.pem'), ca, 0o644);
  await writeSynced(join(fresh, 'identity.json'), `${JSON.stringify(facts, null, 2)}\n`, 0o644);
  await syncFolder(fresh);
  await rename(fresh, folderOf(dataFolder));
  await syncFolder(dataFolder);
}

/** Renewal changes the certificate alone. */
export const replaceCertificate = (dataFolder: string, pem: string): Promise<void> =>
  replaceFile(join(folderOf(dataFolder), 'cert.pem'), pem, 0o644);

export const certificateExpires = (identity: Identity): Date =>
  new X509Certificate(identity.certificate).validToDate;
