/**
 * What the audit keeps outside the database: the key that signs heads (`audit.pem`, 0600) and the last
 * head that was sealed (`audit-head.json`). A chain that was cut short, or put back to an older state,
 * does not hold that head any more.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AuditHead, headDocument, publicHex, signDocument } from '@wafer/protocol';
import { writeSecret, writeSecretOnce } from '../db/secret-file.ts';

export interface Keeper {
  /** Hexadecimal. */
  readonly publicKey: string;
  /** Hexadecimal signature over a head. */
  sign(head: AuditHead): string;
  /** Undefined before the first. Throws when the file is there and spoilt: it may be no accident. */
  readAnchor(): Promise<AuditHead | undefined>;
  writeAnchor(head: AuditHead): Promise<void>;
}

const makePem = (): string =>
  generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;

/** `folder` is made when it is not there. */
export async function openKeeper(folder: string): Promise<Keeper> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const key: KeyObject = createPrivateKey(await writeSecretOnce(join(folder, 'audit.pem'), makePem));
  const anchorFile = join(folder, 'audit-head.json');
  return {
    publicKey: publicHex(key),
    sign: (head) => signDocument(headDocument(head), key).signatures[0]?.sig ?? '',
    async readAnchor() {
      const text = await readFile(anchorFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      return text === undefined ? undefined : AuditHead.parse(JSON.parse(text));
    },
    writeAnchor: (head) => writeSecret(anchorFile, `${JSON.stringify(head)}\n`),
  };
}
