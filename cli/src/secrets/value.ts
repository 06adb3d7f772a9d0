/** Where the value of a secret comes from: a file, a person who types it unseen, or standard input. */
import { MAX_SECRET_BYTES, WaferError } from '@wafer/protocol';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Context } from '../context.ts';

/** Throws cli.usage for no value, secret.too-large. */
export async function readValue(
  question: string,
  file: string | undefined,
  context: Context,
): Promise<Uint8Array> {
  const value = file === undefined ? await spoken(question, context) : await readWhole(file, context);
  if (value.length === 0) throw new WaferError('cli.usage', 'the value is empty');
  if (value.length > MAX_SECRET_BYTES)
    throw new WaferError(
      'secret.too-large',
      `the value has ${value.length} bytes; ${MAX_SECRET_BYTES} may travel to devices`,
    );
  return value;
}

async function spoken(question: string, { askHidden, readStdinBytes }: Context): Promise<Uint8Array> {
  if (askHidden !== undefined) return Buffer.from(await askHidden(question), 'utf8');
  return withoutLastBreak(await readStdinBytes());
}

/** What `echo` and editors add. */
function withoutLastBreak(bytes: Uint8Array): Uint8Array {
  const [carriageReturn, newline] = [0x0d, 0x0a];
  if (bytes.at(-1) !== newline) return bytes;
  return bytes.subarray(0, bytes.at(-2) === carriageReturn ? -2 : -1);
}

async function readWhole(file: string, { cwd }: Context): Promise<Uint8Array> {
  try {
    return await readFile(resolve(cwd, file));
  } catch (error) {
    throw new WaferError('cli.usage', `--file ${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
