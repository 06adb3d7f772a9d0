/**
 * Postgres refuses to run as root. Root therefore starts it as `postgres` or, where the machine has
 * no such user, as `nobody`; that user must be able to enter every parent of what it uses. We look
 * first, because what Postgres itself would say names none of the folders.
 */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { StartError } from '../config.ts';

export interface OsUser {
  readonly uid: number;
  readonly gid: number;
}

const execute = promisify(execFile);

async function lookUp(name: string): Promise<OsUser | undefined> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => execute('id', [flag, name])));
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch {
    return undefined;
  }
}

/**
 * Undefined when this process is not root and so runs Postgres as itself. A cluster that exists goes
 * on under its `owner`, whatever users the machine has got since.
 */
export async function postgresUser(owner: OsUser | undefined): Promise<OsUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const known = owner?.uid === 0 ? undefined : owner;
  const user = known ?? (await lookUp('postgres')) ?? (await lookUp('nobody'));
  if (user === undefined)
    throw new StartError(
      'Postgres cannot run as root, and there is no user postgres or nobody: set DATABASE_URL.',
    );
  return user;
}

/** The topmost folder above `path` that `user` may not enter. */
export async function blockedFolder(user: OsUser, path: string): Promise<string | undefined> {
  let blocked: string | undefined;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (!(await mayEnter(user, folder))) blocked = folder;
    if (folder === dirname(folder)) return blocked;
  }
}

async function mayEnter(user: OsUser, folder: string): Promise<boolean> {
  const { mode, uid, gid } = await stat(folder);
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  return (mode & bit) !== 0;
}

export async function refuseBlockedFolders(user: OsUser, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const folder = await blockedFolder(user, path);
    if (folder !== undefined)
      throw new StartError(
        `Postgres cannot run as root; it runs as user ${user.uid}, who may not enter ${folder}. ` +
          `Allow it (chmod o+x ${folder}), run Wafer from elsewhere or as another user, or set DATABASE_URL.`,
      );
  }
}
