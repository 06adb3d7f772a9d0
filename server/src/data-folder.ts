/**
 * The data folder belongs to one server at a time. The lock is a folder whose time stamp its holder
 * renews (npm's proper-lockfile), so that it holds over containers that share a volume, and goes
 * stale by itself when its holder was killed.
 */
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { z } from 'zod';
import { StartError } from './config.ts';
import { writeSecret } from './db/secret-file.ts';

const STALE_MS = 5000;
const RENEW_MS = 1000;

const Holder = z.object({ pid: z.number().int().positive(), host: z.string() });

/** Makes the folder where there is none; rejects with a StartError while another server has it. */
export async function lockDataFolder(folder: string, onLost: () => void): Promise<() => Promise<void>> {
  await makeFolders(folder);
  const holderPath = join(folder, 'server', 'holder.json');
  const options = {
    lockfilePath: join(folder, 'server', 'lock'),
    stale: STALE_MS,
    update: RENEW_MS,
    realpath: false,
    onCompromised: onLost,
  };
  for (;;) {
    try {
      const release = await lock(folder, options);
      await writeSecret(holderPath, JSON.stringify({ pid: process.pid, host: hostname() }));
      return release;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ELOCKED')) throw error;
      const holder = await livingHolder(holderPath);
      if (holder !== undefined)
        throw new StartError(
          `The data folder ${folder} is used by another server (${holder}): stop it, or set WAFER_DATA.`,
        );
      await sleep(RENEW_MS / 4); // its holder was killed; the lock is stale in a moment
    }
  }
}

async function makeFolders(folder: string): Promise<void> {
  try {
    await mkdir(join(folder, 'server'), { recursive: true, mode: 0o700 });
    const { mode, uid } = await stat(folder);
    // Root's Postgres runs as another user, who must get through to its own folder below this one.
    if (process.getuid?.() === 0 && uid === 0) await chmod(folder, mode | 0o011);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartError(`The data folder ${folder} cannot be used (${why}): set WAFER_DATA.`);
  }
}

/** Undefined when the process that wrote the file is gone. One on another machine counts as living. */
async function livingHolder(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const { pid, host } = Holder.parse(JSON.parse(text));
  if (host !== hostname()) return `process ${pid} on ${host}`;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return undefined;
  }
  return pid === process.pid ? undefined : `process ${pid}`;
}
