/** `wafer login`: proves that the token works, then keeps it with the server's address and CA. */
import { type Me, WaferError } from '@wafer/protocol';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { createApi } from '../api/client.ts';
import type { Context } from '../context.ts';
import { type Credentials, loginFile, saveCredentials, ServerUrl } from './credentials.ts';
import { parseFingerprint, pinnedCa } from './pin.ts';

export interface LoginOptions {
  readonly server: string;
  /** `-` reads it from standard input. */
  readonly token: string;
  readonly ca?: string;
  readonly caSha256?: string;
}

export async function login(
  options: LoginOptions,
  context: Context,
): Promise<{ file: string; api: string; me: Me }> {
  const server = ServerUrl.safeParse(options.server);
  if (!server.success)
    throw new WaferError('cli.usage', `--server ${options.server}: ${z.prettifyError(server.error)}`);
  const token = (options.token === '-' ? await context.readStdin() : options.token).trim();
  if (token === '') throw new WaferError('cli.usage', 'the token is empty');
  const ca = await caOf(options, server.data, context);
  const credentials: Credentials = { api: server.data, token, ...(ca === undefined ? {} : { ca }) };
  const me = await createApi(credentials, context.sleep).me();
  const file = loginFile(context);
  await saveCredentials(file, credentials);
  return { file, api: server.data, me };
}

async function caOf(
  { ca, caSha256 }: LoginOptions,
  api: string,
  { cwd }: Context,
): Promise<string | undefined> {
  if (ca !== undefined && caSha256 !== undefined)
    throw new WaferError('cli.usage', 'give --ca or --ca-sha256, not both');
  if ((ca ?? caSha256) !== undefined && !api.startsWith('https:'))
    throw new WaferError('cli.usage', 'a CA is for an https server');
  if (caSha256 !== undefined) return pinnedCa(api, parseFingerprint(caSha256));
  if (ca === undefined) return undefined;
  try {
    return await readFile(resolve(cwd, ca), 'utf8');
  } catch (error) {
    throw new WaferError('cli.usage', `--ca ${ca} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
