/**
 * `<data>/server/credentials.json`, 0600: whoever may read the data folder is its owner, so this
 * admin token is the owner's way in for the CLI.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@wafer/protocol';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { z } from 'zod';
import { SERVER_ACTOR } from '../audit/index.ts';
import { writeSecret } from '../db/secret-file.ts';
import { useToken } from './tokens-store.ts';
import { createToken, hashToken } from './tokens.ts';

const Credentials = z.object({ api: z.string(), token: z.string() });

interface Parts {
  readonly db: PostgresJsDatabase;
  readonly clock: Clock;
  readonly dataFolder: string;
}

/** Keeps the token that is there while the database knows it. Returns the file's path. */
export async function writeCredentials({ db, clock, dataFolder }: Parts, api: string): Promise<string> {
  const path = join(dataFolder, 'server', 'credentials.json');
  const before = await readToken(path);
  const known = before !== undefined && (await useToken(db, hashToken(before), clock.now())) !== undefined;
  const token = known
    ? before
    : (await createToken({ db, clock }, { name: 'local', role: 'admin' }, SERVER_ACTOR)).token;
  await writeSecret(path, `${JSON.stringify({ api, token })}\n`);
  return path;
}

async function readToken(path: string): Promise<string | undefined> {
  try {
    return Credentials.parse(JSON.parse(await readFile(path, 'utf8'))).token;
  } catch {
    return undefined; // absent or spoilt: it is made anew
  }
}
