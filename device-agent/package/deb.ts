/**
 * The staged tree as a Debian package, for every architecture: /usr/lib/wafer-agent, a link in /usr/bin, the
 * unit, /etc/wafer-agent/agent.yaml as the owner's own file, and the scripts in debian/. What is kept is in
 * /var/lib/wafer-agent and goes with `purge` alone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RELEASE } from '../src/release.ts';
import type { Staged } from './stage.ts';

const DEBIAN = join(import.meta.dirname, 'debian');
const SCRIPTS = ['postinst', 'prerm', 'postrm'];

/** `1.2.0-rc.1` sorts before `1.2.0` in Debian by its tilde. */
const debianVersion = (version: string): string => version.replace('-', '~');

async function kibibytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  return Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 1024);
}

/** Folders 0755, files 0644 or 0755, and the release's day for all: the same tree gives the same package. */
async function settle(folder: string): Promise<void> {
  const day = new Date(RELEASE.day);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const isOpen = entry.isDirectory() || ((await stat(path)).mode & 0o100) !== 0;
    await chmod(path, isOpen ? 0o755 : 0o644);
    await utimes(path, day, day);
  }
  await chmod(folder, 0o755);
}

async function put(root: string, path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content, { mode });
}

async function dpkgDeb(tree: string, path: string): Promise<void> {
  const child = spawn('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', tree, path], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(Date.parse(RELEASE.day) / 1000) },
  });
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`dpkg-deb ended with ${code}`);
}

/** Answers its path in `out`. Rejects where there is no dpkg-deb. */
export async function makeDeb({ folder, version }: Staged, out: string): Promise<string> {
  const tree = join(out, '.deb');
  const share = join(folder, 'share');
  await rm(tree, { recursive: true, force: true });
  await cp(folder, join(tree, 'usr/lib/wafer-agent'), { recursive: true });
  await mkdir(join(tree, 'usr/bin'), { recursive: true });
  await symlink('../lib/wafer-agent/bin/wafer-agent', join(tree, 'usr/bin/wafer-agent'));
  const unit = await readFile(join(share, 'wafer-agent.service'));
  await put(tree, 'usr/lib/systemd/system/wafer-agent.service', unit);
  await put(tree, 'etc/wafer-agent/agent.yaml', await readFile(join(share, 'agent.yaml')));
  await put(tree, 'usr/share/doc/wafer-agent/copyright', await readFile(join(DEBIAN, 'copyright')));
  const control = (await readFile(join(DEBIAN, 'control'), 'utf8'))
    .replace('@VERSION@', debianVersion(version))
    .replace('@KIB@', String(await kibibytes(tree)));
  await put(tree, 'DEBIAN/control', control);
  await put(tree, 'DEBIAN/conffiles', '/etc/wafer-agent/agent.yaml\n');
  for (const name of SCRIPTS) await put(tree, `DEBIAN/${name}`, await readFile(join(DEBIAN, name)), 0o755);
  await settle(tree);
  const path = join(out, `wafer-agent_${debianVersion(version)}_all.deb`);
  await dpkgDeb(tree, path);
  await rm(tree, { recursive: true, force: true });
  return path;
}
