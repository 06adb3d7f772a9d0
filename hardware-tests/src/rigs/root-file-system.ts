/**
 * Root file systems of Debian testing with its Node, for other architectures: built once by debootstrap,
 * kept in a cache, and never written to again, so that every run finds what the first one built.
 *
 * A root lies in `<cache>/<architecture>-<key>/`, where the key is a hash of what it is made of and of how;
 * beside `root/` stand `packages.txt`, every package with its version. It is built under another name and
 * gets its own by `rename` when it is whole, so one that broke half way is nobody's. All mounts are made in
 * a namespace that ends with the builder, so none stays.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { emulator, registerEmulator, type Emulated } from './binfmt.ts';
import { install, mirror, mustBeRoot, programPath } from './debian.ts';
import { RigMissing, type Say } from './rig.ts';

const run = promisify(execFile);

const SUITE = 'testing';
const PACKAGES = 'nodejs';
/** Debian's debootstrap may be older than a suite; they all go by unstable's script. */
const SCRIPT = '/usr/share/debootstrap/scripts/sid';
/** Where rigs bind what they bring. */
export const MOUNT_POINTS = { agent: '/opt/wafer-agent', board: '/srv/wafer' } as const;

/** Debian's name of the architecture is Node's for those that are emulated. */
const RECIPE = { SUITE, PACKAGES, SCRIPT, MOUNT_POINTS, format: 1 };

export interface RootFileSystem {
  readonly folder: string;
  /** A file: name and version of each package, one a line. */
  readonly packages: string;
  /** Version of the package `nodejs`. */
  readonly nodejs: string;
}

/** `$WAFER_CACHE`, or where a user's caches are. */
const cacheFolder = (): string =>
  process.env['WAFER_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'wafer');

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** What builders left whose process is gone. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const [, pid] = /^\.building-(\d+)-/.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(parent, name), { recursive: true, force: true });
  }
}

const read = (folder: string): RootFileSystem => {
  const packages = join(folder, 'packages.txt');
  const nodejs = /^nodejs (\S+)$/m.exec(readFileSync(packages, 'utf8'))?.[1];
  if (nodejs === undefined) throw new Error(`${packages} names no nodejs`);
  return { folder: join(folder, 'root'), packages, nodejs };
};

async function bootstrap(arch: Emulated, root: string): Promise<void> {
  const args = [
    `--arch=${arch}`,
    '--variant=minbase',
    `--include=${PACKAGES}`,
    SUITE,
    root,
    mirror(),
    SCRIPT,
  ];
  try {
    await run('unshare', ['--mount', '--propagation', 'private', programPath('debootstrap')!, ...args], {
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    });
  } catch (error) {
    const { stdout = '' } = error as { stdout?: string };
    const lines = stdout.trim().split('\n').slice(-3).join(' / ');
    throw new RigMissing(`debootstrap of ${SUITE} for ${arch} from ${mirror()} failed: ${lines}`, {
      cause: error,
    });
  }
}

async function build(arch: Emulated, parent: string, target: string): Promise<void> {
  const temporary = join(parent, `.building-${process.pid}-${randomUUID()}`);
  const root = join(temporary, 'root');
  mkdirSync(temporary);
  try {
    await bootstrap(arch, root);
    for (const point of Object.values(MOUNT_POINTS)) mkdirSync(join(root, point), { recursive: true });
    for (const spent of ['var/cache/apt/archives', 'var/lib/apt/lists']) {
      rmSync(join(root, spent), { recursive: true, force: true });
    }
    const format = '--showformat=${Package} ${Version}\n';
    const { stdout } = await run('dpkg-query', [`--admindir=${join(root, 'var/lib/dpkg')}`, '-W', format]);
    writeFileSync(join(temporary, 'packages.txt'), stdout);
    renameSync(temporary, target);
  } catch (error) {
    // Another run may have been first.
    if (!existsSync(target)) throw error;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The root of this architecture, built if it is not there. Throws RigMissing. */
export async function rootFileSystem(arch: Emulated, say: Say): Promise<RootFileSystem> {
  mustBeRoot();
  const isForeign = arch !== process.arch;
  const needs = {
    debootstrap: 'debootstrap',
    ...(isForeign ? { [emulator(arch)]: 'qemu-user-static' } : {}),
  };
  await install(needs, say);
  if (isForeign) registerEmulator(arch);
  const parent = join(cacheFolder(), 'roots');
  mkdirSync(parent, { recursive: true });
  sweep(parent);
  const key = createHash('sha256')
    .update(JSON.stringify({ ...RECIPE, arch }))
    .digest('hex')
    .slice(0, 12);
  const target = join(parent, `${arch}-${key}`);
  if (!existsSync(target)) {
    say(`building a root file system of Debian ${SUITE}, which takes some minutes …`);
    await build(arch, parent, target);
  }
  return read(target);
}
