/** The last head that this machine saw of each server, beside the login: `audit-heads.json`. */
import { AuditHead } from '@wafer/protocol';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { loginFile } from '../account/credentials.ts';
import type { Context } from '../context.ts';

const Noted = z.record(z.string(), AuditHead.extend({ key: z.string() }));
export type NotedHead = z.infer<typeof Noted>[string];

const fileOf = (context: Context): string => join(dirname(loginFile(context)), 'audit-heads.json');

async function readAll(file: string): Promise<z.infer<typeof Noted>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  return Noted.parse(JSON.parse(text));
}

export const readNoted = async (context: Context, server: string): Promise<NotedHead | undefined> =>
  (await readAll(fileOf(context)))[server];

export async function writeNoted(context: Context, server: string, head: NotedHead): Promise<void> {
  const file = fileOf(context);
  const all = { ...(await readAll(file)), [server]: head };
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}.new`;
  await writeFile(fresh, `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 });
  await rename(fresh, file);
}
