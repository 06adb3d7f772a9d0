/**
 * The rigs `arm64` and `riscv64`: the agent in a root file system of Debian testing, with that system's own
 * Node, emulated by qemu; the fleet server runs natively beside it, and both share the loopback.
 *
 * Each process of the agent gets a mount namespace: the root and the package are read-only in it, the
 * board's folder is bound, and nothing stays when it ends.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ended, type Ended } from '../ended.ts';
import { Agents, killGroup } from './agents.ts';
import type { Emulated } from './binfmt.ts';
import type { AgentPackage } from './package.ts';
import {
  RigMissing,
  type BoardFacts,
  type Environment,
  type Rig,
  type RunningAgent,
  type Say,
} from './rig.ts';
import { MOUNT_POINTS, rootFileSystem, type RootFileSystem } from './root-file-system.ts';

const LEAVE_WITHIN_MS = 60_000;

/** Arguments: the root, the package, the board's folder, then the command within. */
const ENTER = `
set -eu
root=$1 agent=$2 board=$3
shift 3
mount --bind "$root" "$root"
cd "$root"
mount --rbind /dev dev
mount --rbind /proc proc
mount --rbind /sys sys
mount -t tmpfs tmpfs tmp
mount --bind "$agent" .${MOUNT_POINTS.agent}
mount --bind "$board" .${MOUNT_POINTS.board}
mount -o remount,bind,ro .${MOUNT_POINTS.agent}
mount -o remount,bind,ro .
exec chroot . /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TZ=UTC "$@"
`;

export class EmulatedBoard implements Rig {
  readonly name: Emulated;
  readonly kind = 'emulated';
  readonly patience = 12;
  readonly #folder = mkdtempSync(join(tmpdir(), 'wafer-rig-'));
  readonly #agents = new Agents();
  #root: RootFileSystem | undefined;
  #agent: AgentPackage | undefined;

  constructor(arch: Emulated) {
    this.name = arch;
  }

  get arch(): Emulated {
    return this.name;
  }

  async prepare(agent: AgentPackage, say: Say): Promise<BoardFacts> {
    this.#root = await rootFileSystem(this.arch, say);
    this.#agent = agent;
    const asked = await ended(this.#spawn(['node', '-p', '`${process.arch} ${process.version}`']));
    const [arch, node] = asked.output.trim().split(' ');
    if (asked.code !== 0 || arch !== this.arch || node === undefined) {
      throw new RigMissing(
        `Node does not run in ${this.#root.folder}: ${asked.errors.trim() || asked.output.trim()}`,
      );
    }
    const release = readFileSync(join(this.#root.folder, 'etc/os-release'), 'utf8');
    const name = /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? 'Debian';
    const { nodejs, packages } = this.#root;
    return {
      arch,
      os: `${name}, emulated by qemu-user`,
      node,
      // Whoever reads a published result has no use for this machine's folders.
      packages: `nodejs ${nodejs}; all packages: ${basename(dirname(packages))}/packages.txt`,
    };
  }

  reach(): Promise<void> {
    return Promise.resolve();
  }

  /** Under a name of this rig's own: an agent's lock is found by the path of its folder, and rigs share a network. */
  folder(name: string): string {
    return join(MOUNT_POINTS.board, `${basename(this.#folder)}-${name}`);
  }

  agent(args: readonly string[]): Promise<Ended> {
    return ended(this.#spawn([this.#program, ...args]));
  }

  start(folder: string, environment: Environment = {}): Promise<RunningAgent> {
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const child = this.#spawn([...variables, this.#program, 'run', '--data', folder]);
    const running = this.#agents.add(child, {
      stop: () => void child.kill('SIGTERM'),
      kill: () => killGroup(child),
      leaveWithinMs: LEAVE_WITHIN_MS,
    });
    return Promise.resolve(running);
  }

  here(path: string): string {
    return join(this.#folder, path.slice(MOUNT_POINTS.board.length));
  }

  read(path: string): Promise<Buffer> {
    return readFile(this.here(path));
  }

  write(path: string, content: string | Uint8Array): Promise<void> {
    return writeFile(this.here(path), content);
  }

  async close(): Promise<void> {
    await this.#agents.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #program(): string {
    return join(MOUNT_POINTS.agent, 'bin/wafer-agent');
  }

  #spawn(command: readonly string[]): ChildProcess {
    if (this.#root === undefined || this.#agent === undefined) throw new Error('the rig was not prepared');
    const { folder } = this.#root;
    const within = [folder, this.#agent.folder, this.#folder, ...command];
    // Each becomes the next by exec, so the child is the agent; its group is what a power cut takes.
    return spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', ENTER, 'rig', ...within], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}
