/**
 * What a rig needs of the machine that it is emulated on. As root on Debian and its kin the packages are
 * installed where they are missing, which is said first; everywhere else the rig is missing, with the words
 * that help.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { RigMissing, type Say } from './rig.ts';

const run = promisify(execFile);

/** Where administrators' programs lie, which a user's path may lack. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];

export const programPath = (name: string): string | undefined =>
  FOLDERS.map((folder) => join(folder, name)).find((path) => existsSync(path));

/** Throws RigMissing where this process may not change the root of another. */
export function mustBeRoot(): void {
  if (process.platform !== 'linux') throw new RigMissing('it is emulated on Linux only');
  if (process.getuid?.() !== 0)
    throw new RigMissing('chroot, mount and binfmt_misc need root: run it as root');
}

/** Program → the Debian package that has it. */
export type Needs = Readonly<Record<string, string>>;

let last: Promise<unknown> = Promise.resolve();

/** One at a time: the package manager holds a lock. Throws RigMissing, with the command that would have helped. */
export function install(needs: Needs, say: Say): Promise<void> {
  const turn = last.then(() => installNow(needs, say));
  last = turn.catch(() => undefined);
  return turn;
}

async function installNow(needs: Needs, say: Say): Promise<void> {
  const packages = (): string[] => [
    ...new Set(Object.keys(needs).flatMap((name) => (programPath(name) === undefined ? needs[name]! : []))),
  ];
  const missing = packages();
  if (missing.length === 0) return;
  const command = `apt-get install ${missing.join(' ')}`;
  if (programPath('apt-get') === undefined) throw new RigMissing(`it needs ${missing.join(' and ')}`);
  say(`${command} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  try {
    await run('apt-get', ['update', '-qq'], { env });
    await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], { env });
  } catch (error) {
    throw new RigMissing(`${command} failed: ${lastLine((error as Error).message)}`, { cause: error });
  }
  if (packages().length > 0) throw new RigMissing(`${command} did not help`);
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/** `$WAFER_DEBIAN_MIRROR`, or where this machine gets its own packages from. Throws RigMissing where its settings do not say. */
export function mirror(): string {
  const named = process.env['WAFER_DEBIAN_MIRROR'];
  if (named !== undefined) return named;
  const folder = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list'];
  if (existsSync(folder)) files.push(...readdirSync(folder).map((name) => join(folder, name)));
  for (const file of files.filter((path) => existsSync(path))) {
    const lines = readFileSync(file, 'utf8').split('\n');
    for (const line of lines) {
      const [, url] = /^(?:URIs:|deb\b(?:\s*\[[^\]]*\])?)\s+(\S+)/.exec(line) ?? [];
      // Not those of security fixes, nor other people's.
      if (url !== undefined && /\/debian\/?$/.test(url)) return url;
    }
  }
  throw new RigMissing(
    'apt on this machine names no mirror of Debian (a source that ends in /debian): say one in WAFER_DEBIAN_MIRROR',
  );
}
