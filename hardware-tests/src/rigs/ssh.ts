/**
 * A real board, reached by ssh: the package is copied to it, the agent runs there, and when all is done
 * nothing is left. The board reaches the fleet server by its own loopback, through the same connection, so
 * it needs no way into this network.
 *
 * One run at a time uses a board: whatever an earlier one left, because its line broke, is ended and removed
 * first. On the board everything lies in one folder in the home of its user, who need not be root.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended, type Ended } from '../ended.ts';
import { Agents } from './agents.ts';
import type { BoardEntry } from './boards-file.ts';
import type { AgentPackage } from './package.ts';
import { RigMissing, type BoardFacts, type Environment, type Rig, type RunningAgent } from './rig.ts';

const LEAVE_WITHIN_MS = 30_000;
const CONNECT_SECONDS = 15;

/** A word as a POSIX shell reads it. */
const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** Ends and removes what lies in `$HOME/wafer-rig-*`. */
const CLEAN_UP = `
for folder in "$HOME"/wafer-rig-*; do
  [ -d "$folder" ] || continue
  for pid in "$folder"/*.pid; do
    [ -e "$pid" ] && kill -9 "-$(cat "$pid")" 2>/dev/null
  done
  rm -rf "$folder"
done`;

/** Says where it is, and what it is. */
const ARRIVE = `
node="$1"
folder=$(mktemp -d "$HOME/wafer-rig-XXXXXX")
mkdir "$folder/agent"
os=$(. /etc/os-release 2>/dev/null && printf %s "$PRETTY_NAME" || uname -s)
printf '%s\\n%s\\n%s\\n' "$folder" "$os, $(uname -r)" "$("$node" -p 'process.arch + " " + process.version')"`;

/** The leader of a group of its own, so that a power cut takes all of it. */
const RUN = `
export WAFER_NODE="$1" pid="$2"
shift 2
exec setsid --wait sh -c 'echo $$ >"$pid"; exec "$@"' agent "$@"`;

export class SshBoard implements Rig {
  readonly name: string;
  readonly kind = 'board';
  readonly patience: number;
  readonly #entry: BoardEntry;
  /** Of the connection that all commands share. */
  readonly #control = mkdtempSync(join(tmpdir(), 'wafer-ssh-'));
  readonly #agents = new Agents();
  #arch = 'unknown';
  #folder = '';
  #starts = 0;

  constructor(entry: BoardEntry) {
    this.#entry = entry;
    this.name = entry.name;
    this.patience = entry.patience;
  }

  get arch(): string {
    return this.#arch;
  }

  async prepare(agent: AgentPackage): Promise<BoardFacts> {
    const { node } = this.#entry;
    await this.#sh(CLEAN_UP, []).catch(() => undefined);
    const arrived = await this.#try(ARRIVE, [node]);
    if (arrived.code !== 0)
      throw new RigMissing(`${this.#entry.host}: ${arrived.errors.trim() || 'no answer'}`);
    const [folder = '', os = '', found = ''] = arrived.output.split('\n');
    const [arch, version] = found.split(' ');
    if (arch === undefined || version === undefined) {
      throw new RigMissing(`${this.#entry.host}: ${node} does not run there: ${arrived.errors.trim()}`);
    }
    this.#folder = folder;
    this.#arch = arch;
    const pack = spawn('tar', ['-C', agent.folder, '-cf', '-', '.'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const unpack = this.#ssh('exec tar -C "$1" -xf -', [join(folder, 'agent')], 'pipe');
    pack.stdout.pipe(unpack.stdin!);
    const { code, errors } = await ended(unpack);
    if (code !== 0) throw new RigMissing(`${this.#entry.host}: the package was not copied: ${errors.trim()}`);
    return { arch, os, node: version };
  }

  async reach(port: number): Promise<void> {
    const forward = ['-O', 'forward', '-R', `127.0.0.1:${port}:127.0.0.1:${port}`];
    const { code, errors } = await ended(this.#spawn([...forward, this.#entry.host]));
    if (code !== 0) throw new Error(`port ${port} of ${this.name} was not to be had: ${errors.trim()}`);
  }

  folder(name: string): string {
    return join(this.#folder, name);
  }

  agent(args: readonly string[]): Promise<Ended> {
    return this.#try('export WAFER_NODE="$1"; shift; exec "$@"', [this.#entry.node, this.#program, ...args]);
  }

  start(folder: string, environment: Environment = {}): Promise<RunningAgent> {
    this.#starts += 1;
    const pid = join(this.#folder, `${this.#starts}.pid`);
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const command = ['env', ...variables, this.#program, 'run', '--data', folder];
    const child = this.#ssh(RUN, [this.#entry.node, pid, ...command]);
    const running = this.#agents.add(child, {
      stop: () => this.#sh('kill -TERM "$(cat "$1")"', [pid]).then(() => undefined),
      kill: () => this.#sh('kill -9 "-$(cat "$1")"', [pid]).then(() => undefined),
      leaveWithinMs: LEAVE_WITHIN_MS,
    });
    return Promise.resolve(running);
  }

  here(): undefined {
    return undefined;
  }

  async read(path: string): Promise<Buffer> {
    return Buffer.from(await this.#sh('base64 <"$1"', [path]), 'base64');
  }

  async write(path: string, content: string | Uint8Array): Promise<void> {
    const child = this.#ssh('cat >"$1"', [path], 'pipe');
    child.stdin!.end(content);
    const { code, errors } = await ended(child);
    if (code !== 0) throw new Error(`${path} on ${this.name}: ${errors.trim()}`);
  }

  async close(): Promise<void> {
    await this.#agents.stop();
    if (this.#folder !== '') await this.#sh(CLEAN_UP, []);
    await ended(this.#spawn(['-O', 'exit', this.#entry.host]));
    rmSync(this.#control, { recursive: true, force: true });
  }

  get #program(): string {
    return join(this.#folder, 'agent/bin/wafer-agent');
  }

  #try(script: string, args: readonly string[]): Promise<Ended> {
    return ended(this.#ssh(script, args));
  }

  /** What a script said; throws unless it ended well. */
  async #sh(script: string, args: readonly string[]): Promise<string> {
    const { code, output, errors } = await this.#try(script, args);
    if (code !== 0) throw new Error(`${this.name}: ${errors.trim() || `a command ended with ${code}`}`);
    return output;
  }

  #ssh(script: string, args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
    const command = ['sh', '-c', script, 'rig', ...args].map(quoted).join(' ');
    return this.#spawn([this.#entry.host, '--', command], stdin);
  }

  #spawn(args: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
    const { port, identity, options } = this.#entry;
    const shared = [
      'BatchMode=yes',
      `ConnectTimeout=${CONNECT_SECONDS}`,
      'ControlMaster=auto',
      `ControlPath=${join(this.#control, 'line')}`,
      'ControlPersist=yes',
      'ExitOnForwardFailure=yes',
      ...options,
    ].flatMap((option) => ['-o', option]);
    const how = [
      ...(port === undefined ? [] : ['-p', `${port}`]),
      ...(identity === undefined ? [] : ['-i', identity]),
    ];
    return spawn('ssh', [...shared, ...how, ...args], { stdio: [stdin, 'pipe', 'pipe'] });
  }
}
