/** The staged tree as a tarball: what people unpack, and what a fleet ships to itself. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_MANIFEST } from '@wafer/protocol/agent-bundle';
import { RELEASE } from '../src/release.ts';
import type { Staged } from './stage.ts';
import { tarGzip, type TarEntry } from './tar.ts';

/** The manifest first, then by name; a folder before what is in it. */
async function entriesOf({ folder, version }: Staged): Promise<TarEntry[]> {
  const root = `wafer-agent-${version}`;
  const names = (await readdir(folder, { recursive: true })).toSorted();
  const ordered = [AGENT_MANIFEST, ...names.filter((name) => name !== AGENT_MANIFEST)];
  const inside = ordered.map(async (name): Promise<TarEntry> => {
    const found = await stat(join(folder, name));
    const isExecutable = found.isDirectory() || (found.mode & 0o100) !== 0;
    return {
      path: `${root}/${name}`,
      bytes: found.isDirectory() ? undefined : await readFile(join(folder, name)),
      mode: isExecutable ? 0o755 : 0o644,
    };
  });
  return [{ path: root, bytes: undefined, mode: 0o755 }, ...(await Promise.all(inside))];
}

/** Answers its path in `out`. */
export async function makeTarball(staged: Staged, out: string): Promise<string> {
  const path = join(out, `wafer-agent-${staged.version}.tar.gz`);
  await writeFile(path, tarGzip(await entriesOf(staged), Date.parse(RELEASE.day) / 1000));
  return path;
}
