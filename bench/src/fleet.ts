/**
 * A fleet of one board for benchmarks: server, CLI and agent as the processes that users run, in a
 * temporary folder, on free ports of loopback.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVER = join(ROOT, 'server/src/main.ts');
const CLI = join(ROOT, 'cli/src/main.ts');
const AGENT = join(ROOT, 'device-agent/wafer-agent.mjs');
const RUNS_WITHIN_MS = 60_000;
const ENDS_WITHIN_MS = 10_000;

interface Ready {
  readonly api: string;
  readonly credentials: string;
  readonly device: string;
  readonly mqtt: { readonly host: string; readonly port: number };
}

/** A session with the broker as the board `folder` would have it. */
export interface Account {
  readonly device: string;
  readonly folder: string;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS);
  await exited;
  clearTimeout(timer);
}

export class Fleet {
  readonly folder = mkdtempSync(join(tmpdir(), 'wafer-bench-'));
  readonly #processes: ChildProcess[] = [];
  #server: Ready | undefined;

  constructor() {
    // Started as root, Postgres runs as another user, who must be able to come this way.
    chmodSync(this.folder, 0o755);
  }

  async startServer(): Promise<void> {
    const none = { WAFER_API_PORT: '0', WAFER_MQTT_PORT: '0', WAFER_HTTP_PORT: '0' };
    const { ready } = await this.#start([SERVER], { WAFER_DATA: join(this.folder, 'data'), ...none });
    this.#server = ready;
  }

  /** Its process, Postgres among those below it. */
  get serverPid(): number {
    return this.#processes[0]!.pid!;
  }

  get credentials(): string {
    return this.#known.credentials;
  }

  get broker(): { readonly host: string; readonly port: number } {
    return this.#known.mqtt;
  }

  /** Enrols a board as anybody would, and leaves it stopped. */
  async enrol(name: string): Promise<Account> {
    const { token } = (await this.wafer('claim', 'create', '--channel', 'stable')) as { token: string };
    const folder = join(this.folder, name);
    const said = await this.#run([AGENT, 'enrol', token, '--server', this.#known.api, '--data', folder]);
    return { device: (JSON.parse(said) as Ready).device, folder };
  }

  /** Starts an enrolled board, once it has reached the broker; answers its process id. */
  async startBoard({ folder }: Account, env: NodeJS.ProcessEnv = {}): Promise<number> {
    const { child } = await this.#start([AGENT, 'run', '--data', folder], env);
    return child.pid!;
  }

  /** Ends a process that was started here, as a user would. */
  async stop(pid: number): Promise<void> {
    const child = this.#processes.find((each) => each.pid === pid);
    if (child !== undefined) await ended(child);
  }

  /** The CLI's answer. Rejects with what it said when it failed. */
  async wafer(...args: string[]): Promise<unknown> {
    return JSON.parse(await this.#run([CLI, ...args, '--json']));
  }

  /** Until the board itself says that the app runs and has settled. */
  async untilRunning({ device }: Account, app: string): Promise<void> {
    const deadline = Date.now() + RUNS_WITHIN_MS;
    for (;;) {
      const detail = (await this.wafer('device', device)) as {
        apps: { app: string; running: { state: string } | null; execution: unknown }[];
      };
      const found = detail.apps.find((one) => one.app === app);
      if (found?.running?.state === 'running') return;
      if (Date.now() > deadline) throw new Error(`${app} does not run: ${JSON.stringify(found)}`);
      await sleep(500);
    }
  }

  async close(): Promise<void> {
    // The board before the server, so that it can say goodbye.
    for (const child of this.#processes.toReversed()) {
      await ended(child);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #known(): Ready {
    if (this.#server === undefined) throw new Error('the server was not started');
    return this.#server;
  }

  async #run(args: readonly string[]): Promise<string> {
    const env = {
      ...process.env,
      WAFER_CREDENTIALS: this.#server?.credentials,
      WAFER_KEYS: join(this.folder, 'keys'),
    };
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
    const [code] = (await once(child, 'close')) as [number];
    if (code !== 0) throw new Error(`${args.slice(0, 3).join(' ')}: ${errors.trim() || output.trim()}`);
    return output;
  }

  /** Resolves with the line that says that it is ready. */
  async #start(
    args: readonly string[],
    env: NodeJS.ProcessEnv,
  ): Promise<{ child: ChildProcess; ready: Ready }> {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#processes.push(child);
    let errors = '';
    child.stderr.on('data', (bytes: Buffer) => (errors = (errors + bytes.toString()).slice(-2000)));
    const ready = new Promise<Ready>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const said = JSON.parse(line) as Ready & { ready?: boolean };
        if (said.ready === true) resolve(said);
      });
    });
    const first = await Promise.race([ready, once(child, 'exit').then(() => undefined)]);
    if (first === undefined) throw new Error(`${args[0]} did not start: ${errors.trim()}`);
    return { child, ready: first };
  }
}

/** What a board proves itself with, PEM. */
export function credentialsOf({ folder }: Account): { key: string; cert: string; ca: string } {
  const read = (name: string): string => readFileSync(join(folder, 'identity', name), 'utf8');
  return { key: read('key.pem'), cert: read('cert.pem'), ca: read('ca.pem') };
}
