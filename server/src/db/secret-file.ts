/** Files that hold a secret: mode 0600 from the first byte, whole or absent. */
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, unlink } from 'node:fs/promises';

async function writeBeside(path: string, content: string): Promise<string> {
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  const file = await open(fresh, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  return fresh;
}

/** Replaces what was there. */
export async function writeSecret(path: string, content: string): Promise<void> {
  await rename(await writeBeside(path, content), path);
}

/** Content of `path`; made by `create` and stored when there is none. Two that race agree on one. */
export async function writeSecretOnce(path: string, create: () => string | Promise<string>): Promise<string> {
  const before = await readIfThere(path);
  if (before !== undefined) return before;
  const fresh = await writeBeside(path, await create());
  try {
    await link(fresh, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    await unlink(fresh);
  }
  return readFile(path, 'utf8');
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
