/**
 * A private key at rest. The file is JSON and says all that is needed to open it but the passphrase:
 *
 *     argon2id(passphrase, salt) → AES-256-GCM key;  sealed = PKCS #8 DER of the key, then the tag
 *
 * Everything else in the file is authenticated along as additional data, so neither the parameters
 * nor the public half can be exchanged under it. Parameters are RFC 9106, clause 4, the second
 * recommended option (64 MiB, 3 passes, 4 lanes): half a second here, and 64 MiB for each guess.
 */
import { canonicalBytes, keyId, publicHex, WaferError } from '@wafer/protocol';
import {
  argon2,
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';

const derive = promisify(argon2);
const KEY_BYTES = 32;
const TAG_BYTES = 16;

const Base64 = z.base64();

/** Upper bounds, because the file may be anybody's: it must not make a signer's machine run out of memory. */
const SealedKey = z.strictObject({
  wafer: z.literal(1),
  public: z.string().regex(/^[0-9a-f]{64}$/),
  kdf: z.strictObject({
    name: z.literal('argon2id'),
    memoryKiB: z.number().int().min(32).max(1_048_576),
    passes: z.number().int().min(1).max(16),
    lanes: z.number().int().min(1).max(16),
    salt: Base64,
  }),
  cipher: z.strictObject({ name: z.literal('aes-256-gcm'), nonce: Base64 }),
  sealed: Base64,
});
type SealedKey = z.infer<typeof SealedKey>;
type Kdf = SealedKey['kdf'];

const PARAMETERS = { name: 'argon2id', memoryKiB: 65_536, passes: 3, lanes: 4 } as const;

const stretch = (passphrase: string, { memoryKiB, passes, lanes, salt }: Kdf): Promise<Buffer> =>
  derive('argon2id', {
    // NFKC: the same passphrase typed on another keyboard must give the same bytes.
    message: Buffer.from(passphrase.normalize('NFKC'), 'utf8'),
    nonce: Buffer.from(salt, 'base64'),
    memory: memoryKiB,
    passes,
    parallelism: lanes,
    tagLength: KEY_BYTES,
  });

/** Text of the file. */
export async function sealKey(key: KeyObject, passphrase: string): Promise<string> {
  const nonce = randomBytes(12);
  const head = {
    wafer: 1,
    public: publicHex(key),
    kdf: { ...PARAMETERS, salt: randomBytes(16).toString('base64') },
    cipher: { name: 'aes-256-gcm', nonce: nonce.toString('base64') },
  } as const;
  const cipher = createCipheriv('aes-256-gcm', await stretch(passphrase, head.kdf), nonce);
  cipher.setAAD(canonicalBytes(head));
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const sealed = Buffer.concat([cipher.update(der), cipher.final(), cipher.getAuthTag()]);
  return `${JSON.stringify({ ...head, sealed: sealed.toString('base64') }, null, 2)}\n`;
}

/** Throws cli.keys-missing for what is no such file; `file` is for the message. */
export function parseSealed(text: string, file: string): SealedKey {
  try {
    return SealedKey.parse(JSON.parse(text));
  } catch (error) {
    throw new WaferError('cli.keys-missing', `${file} is no sealed key, or was damaged: restore a copy`, {
      cause: error,
    });
  }
}

/** The key, or undefined when the passphrase is wrong or the file was altered: the two look the same. */
export async function openSealed(sealedKey: SealedKey, passphrase: string): Promise<KeyObject | undefined> {
  const { sealed, ...head } = sealedKey;
  const bytes = Buffer.from(sealed, 'base64');
  const nonce = Buffer.from(head.cipher.nonce, 'base64');
  const secret = await stretch(passphrase, head.kdf);
  try {
    const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(canonicalBytes(head));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const der = Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]);
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    return keyId(publicHex(key)) === keyId(head.public) ? key : undefined;
  } catch {
    return undefined;
  }
}
