/** Files of keys: written whole, mode 0600, and never over what is there. */
import { WaferError } from '@wafer/protocol';
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new WaferError('cli.keys-missing', `${file} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** On disk before its name is: a crash leaves the old file or the new one. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await rename(await writeFresh(file, text), file);
}

/** False when there is such a file; then it is left as it is. */
export async function writeOnce(file: string, text: string): Promise<boolean> {
  const fresh = await writeFresh(file, text);
  try {
    // Unlike a rename, a link never replaces what is there.
    await link(fresh, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    await unlink(fresh);
  }
}

/** The text in a file of its own beside `file`, synced; gives its path. */
async function writeFresh(file: string, text: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${randomUUID()}.new`;
  const handle = await open(fresh, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return fresh;
}
