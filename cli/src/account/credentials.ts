/**
 * Where the server is and who asks: from the file that WAFER_CREDENTIALS names (the server writes
 * one for the person who owns its data folder), else from what `wafer login` kept, else from the data
 * folder of a fleet in this folder.
 */
import { WaferError } from '@wafer/protocol';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { Context } from '../context.ts';

/** Hosts of this machine, as URLs have them. */
export const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** A token travels in clear over plain HTTP, so that is only for the same machine. */
export const ServerUrl = z
  .url({ protocol: /^https?$/ })
  .refine((url) => url.startsWith('https:') || LOOPBACK.has(new URL(url).hostname), {
    message: 'plain http is only for this machine; use https',
  })
  .transform((url) => url.replace(/\/+$/, ''));

export const Credentials = z.object({
  /** Origin of the API, without /api/v1. */
  api: ServerUrl,
  token: z.string().min(1),
  /** PEM of the CA that the server's certificate must come from; absent means the system's CAs. */
  ca: z.string().optional(),
});
export type Credentials = z.infer<typeof Credentials>;

/** XDG base directory specification: $XDG_CONFIG_HOME, or ~/.config. */
export function loginFile({ env }: Context): string {
  const base = env['XDG_CONFIG_HOME'] || join(env['HOME'] ?? homedir(), '.config');
  return join(base, 'wafer', 'credentials.json');
}

/** Where credentials may be: what is named, else what `wafer login` kept, else a fleet that runs here. */
function candidates(context: Context): readonly string[] {
  const named = context.env['WAFER_CREDENTIALS'];
  if (named) return [resolve(context.cwd, named)];
  const data = context.env['WAFER_DATA'] || 'data';
  return [loginFile(context), resolve(context.cwd, data, 'server/credentials.json')];
}

/** The first of the candidates that is there; rejects with auth.required, naming them and the way out. */
async function findCredentials(context: Context): Promise<{ file: string; text: string }> {
  const files = candidates(context);
  for (const file of files) {
    try {
      return { file, text: await readFile(file, 'utf8') };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw new WaferError('auth.required', `${file} cannot be read`, { cause: error });
    }
  }
  const wayOut = context.env['WAFER_CREDENTIALS']
    ? 'WAFER_CREDENTIALS must name the credentials.json of a running server'
    : 'run wafer login, set WAFER_CREDENTIALS, or start a fleet here with wafer up';
  throw new WaferError('auth.required', `no credentials at ${files.join(' or ')}: ${wayOut}`);
}

/** Rejects with auth.required, naming the file and the way out. */
export async function readCredentials(context: Context): Promise<Credentials> {
  const { file, text } = await findCredentials(context);
  const parsed = z
    .string()
    .transform((json, issues) => {
      try {
        return JSON.parse(json) as unknown;
      } catch {
        issues.addIssue('it is not JSON');
        return z.NEVER;
      }
    })
    .pipe(Credentials)
    .safeParse(text);
  if (parsed.success) return parsed.data;
  throw new WaferError(
    'auth.required',
    `${file} is damaged (${z.prettifyError(parsed.error)}): run wafer login again`,
  );
}

/** Written whole or not at all, readable by its owner only. */
export async function saveCredentials(file: string, credentials: Credentials): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}.new`;
  await writeFile(fresh, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  await rename(fresh, file);
}
