/**
 * A board on which the Debian package is installed: a copy of an emulated root file system, which dpkg may
 * write to, in which a stand-in takes systemd's part. What is installed, upgraded and removed there is the
 * package as it is shipped, by the system's own dpkg, shell and Node.
 */
import { spawn } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ended, type Ended } from '../ended.ts';
import type { Emulated } from '../rigs/binfmt.ts';
import { rootFileSystem } from '../rigs/root-file-system.ts';

/** Arguments: the root, then the command within. All mounts go with the last process of their namespace. */
const ENTER = `
set -eu
root=$1
shift
mount --bind "$root" "$root"
cd "$root"
mount --rbind /dev dev
mount --rbind /proc proc
mount --rbind /sys sys
mount -t tmpfs tmpfs run
mkdir -p run/systemd/system
exec chroot . /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \\
  DEBIAN_FRONTEND=noninteractive "$@"
`;

const LOG = 'var/log/wafer-agent.service.log';

export class DebianBoard {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Throws RigMissing where there is no such root and none can be made. */
  static async make(arch: Emulated, say: (text: string) => void): Promise<DebianBoard> {
    const root = await rootFileSystem(arch, say);
    const folder = mkdtempSync(join(tmpdir(), 'wafer-debian-'));
    execFileSync('cp', ['-a', `${root.folder}/.`, folder]);
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'packages'), { recursive: true });
    const board = new DebianBoard(folder);
    copyFileSync(join(import.meta.dirname, 'systemctl'), board.path('/usr/bin/systemctl'));
    return board;
  }

  /** A path of the board, from outside. */
  path(path: string): string {
    return join(this.#folder, path);
  }

  has(path: string): boolean {
    return existsSync(this.path(path));
  }

  /** As root, to its end. */
  run(...command: string[]): Promise<Ended> {
    const args = [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      ENTER,
      'board',
      this.#folder,
      ...command,
    ];
    return ended(spawn('unshare', args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** As root, when it must succeed; what it said. */
  async must(...command: string[]): Promise<string> {
    const { code, output, errors } = await this.run(...command);
    if (code !== 0)
      throw new Error(`${command.join(' ')} ended with ${code}: ${errors}${output}\n${this.log}`);
    return output;
  }

  async install(deb: string): Promise<void> {
    copyFileSync(deb, this.path(join('/packages', basename(deb))));
    await this.must('dpkg', '--install', join('/packages', basename(deb)));
  }

  /** The last lines of what the unit's process said. */
  get log(): string {
    const path = this.path(LOG);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(-20).join('\n') : '';
  }

  async close(): Promise<void> {
    await this.run('systemctl', 'stop', 'wafer-agent.service');
    // The last mounts go a moment after the last process.
    await sleep(200);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
