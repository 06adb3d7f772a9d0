/**
 * A whole fleet as processes on this machine: server, CLI and agents of this checkout, in a temporary data
 * folder, on free ports, all of them ended by `close`. Whoever uses it has only what users have: the CLI, the
 * HTTP API, and files on the board.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { API_ROOT, DeviceDetail, type ExecutionView } from '@wafer/protocol';
import { SimulateEvent } from '@wafer/protocol/simulate';
import { ended } from './ended.ts';
import { ROOT } from './root.ts';

interface ServerAddresses {
  readonly dashboard: string;
  readonly signIn: string;
  readonly api: string;
  readonly mqtt: { readonly host: string; readonly port: number };
  readonly credentials: string;
}

interface Process {
  readonly child: ChildProcess;
  /** The last lines of stderr, for when it fails. */
  readonly errors: string[];
}

/** How a command of the CLI ended, and what it said. */
interface Answered {
  readonly code: number | null;
  readonly answer: Record<string, unknown>;
  readonly errors: string;
}

/** An agent on this machine. */
export interface Board {
  readonly device: string;
  readonly folder: string;
}

export class LocalFleet {
  readonly folder: string;
  /** What processes that start from now on see besides; other-time.ts makes one. */
  environment: Readonly<Record<string, string>> = {};
  readonly #processes = new Map<string, Process>();
  #server: ServerAddresses | undefined;
  #token = '';

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'wafer-'));
    // Started as root, Postgres runs as another user, who must be able to come this way.
    chmodSync(this.folder, 0o755);
  }

  get server(): ServerAddresses {
    if (this.#server === undefined) throw new Error('the server of this fleet was not started');
    return this.#server;
  }

  async startServer(): Promise<void> {
    const ready = await this.#start('server', [join(ROOT, 'server/src/main.ts')], {
      WAFER_DATA: join(this.folder, 'data'),
      ...this.#ports(),
    });
    this.#server = ready as unknown as ServerAddresses;
    const credentials = JSON.parse(readFileSync(this.server.credentials, 'utf8')) as { token: string };
    this.#token = credentials.token;
  }

  async stopServer(): Promise<void> {
    await this.#stop('server', 'SIGTERM');
  }

  /** Free ones at first; then those that boards were told. */
  #ports(): Record<string, string> {
    const port = (url: string | undefined): string => (url === undefined ? '0' : new URL(url).port);
    return {
      WAFER_API_PORT: port(this.#server?.api),
      WAFER_MQTT_PORT: String(this.#server?.mqtt.port ?? 0),
      WAFER_HTTP_PORT: port(this.#server?.dashboard),
    };
  }

  /** The CLI with `--json`; its answer, which is a problem when it fails. */
  wafer(...args: string[]): Promise<Answered> {
    return this.waferAs(this.server.credentials, ...args);
  }

  /** By somebody else, whose server and token stand in a file. */
  async waferAs(credentials: string, ...args: string[]): Promise<Answered> {
    const child = spawn(process.execPath, [join(ROOT, 'cli/src/main.ts'), ...args, '--json'], {
      env: {
        ...process.env,
        ...this.environment,
        WAFER_CREDENTIALS: credentials,
        WAFER_KEYS: join(this.folder, 'publisher-keys'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { code, output, errors } = await ended(child);
    return { code, answer: output.trim() === '' ? {} : JSON.parse(output), errors };
  }

  /** The CLI, when it must succeed. */
  async mustWafer(...args: string[]): Promise<Record<string, unknown>> {
    const { code, answer, errors } = await this.wafer(...args);
    if (code !== 0) throw new Error(`wafer ${args.join(' ')}: ${errors.trim() || JSON.stringify(answer)}`);
    return answer;
  }

  async api<T = unknown>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<T> {
    const response = await fetch(`${this.server.dashboard}${API_ROOT}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** Enrols a board as anybody would, and leaves it stopped. */
  async enrol(name: string): Promise<string> {
    const claim = await this.mustWafer('claim', 'create', '--channel', 'stable');
    const folder = join(this.folder, name);
    await this.agent('enrol', String(claim['token']), '--server', this.server.api, '--data', folder);
    return folder;
  }

  /** One command of the agent, to its end. */
  async agent(...args: string[]): Promise<string> {
    const child = spawn(process.execPath, [join(ROOT, 'device-agent/src/main.ts'), ...args], {
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { code, output, errors } = await ended(child);
    if (code !== 0) throw new Error(`wafer-agent ${args[0]}: ${errors.trim()}`);
    return output;
  }

  /** Starts an enrolled board; resolves once it has reached the broker. `env` comes on top of the fleet's. */
  async startBoard(folder: string, env: Readonly<Record<string, string>> = {}): Promise<Board> {
    const program = join(ROOT, 'device-agent/src/main.ts');
    const ready = await this.#start(folder, [program, 'run', '--data', folder], env);
    return { device: String(ready['device']), folder };
  }

  /** `wafer simulate`; resolves once every device has been connected. What it says goes to `tell`. */
  async startSimulation(args: readonly string[], tell: (event: SimulateEvent) => void): Promise<void> {
    const all = ['simulate', ...args, '--data', join(this.folder, 'simulated'), '--json'];
    await this.#start(
      'simulation',
      [join(ROOT, 'cli/src/main.ts'), ...all],
      { WAFER_CREDENTIALS: this.server.credentials },
      (said) => {
        const event = SimulateEvent.parse(said);
        tell(event);
        return event.event === 'ready';
      },
    );
  }

  async stopSimulation(): Promise<void> {
    await this.#stop('simulation', 'SIGTERM');
  }

  async stopBoard(folder: string, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.#stop(folder, signal);
  }

  /** Lets the board reach the broker through a gateway. */
  routeThrough(folder: string, port: number): void {
    writeFileSync(join(folder, 'agent.yaml'), `broker: { host: 127.0.0.1, port: ${port} }\n`);
  }

  async device(device: string): Promise<DeviceDetail> {
    return DeviceDetail.parse(await this.api('GET', `/devices/${device}`));
  }

  /** Reads the device again and again until `pick` finds something. */
  async until<T>(
    device: string,
    what: string,
    pick: (detail: DeviceDetail) => T | undefined,
    withinMs = 45_000,
  ): Promise<T> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const detail = await this.device(device);
      const found = pick(detail);
      if (found !== undefined) return found;
      if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms; ${this.#last(detail)}`);
      await sleep(150);
    }
  }

  /** The execution that brings `version` of `app`, once it has ended in one of `states`. */
  async execution(
    device: string,
    app: string,
    version: string,
    states: readonly ExecutionView['state'][],
  ): Promise<ExecutionView> {
    return this.until(device, `${app} ${version} ${states.join(' or ')}`, ({ apps }) => {
      const execution = apps.find((one) => one.app === app)?.execution;
      return execution?.version === version && states.includes(execution.state) ? execution : undefined;
    });
  }

  /** The last lines that one board wrote to stderr since it was started last. */
  logOf(folder: string): readonly string[] {
    return this.#processes.get(folder)?.errors ?? [];
  }

  /** The last lines that server and boards wrote to stderr, their logs. */
  get logs(): string {
    return [...this.#processes.values()].flatMap(({ errors }) => errors).join('\n');
  }

  async close(): Promise<void> {
    // The newest first: boards before the server, so that they can say goodbye.
    for (const name of [...this.#processes.keys()].toReversed()) await this.#stop(name, 'SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  #last(detail: DeviceDetail): string {
    const states = detail.apps.map(({ app, running, execution }) => ({
      app,
      running: running?.version,
      version: execution?.version,
      state: execution?.state,
      stage: execution?.stage,
      fault: execution?.fault,
    }));
    const logs = [...this.#processes.values()].map(({ errors }) => errors.slice(-15).join('\n')).join('\n');
    return `${JSON.stringify(states)}\n${logs}`;
  }

  async #start(
    name: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    isReady: (said: Record<string, unknown>) => boolean = (said) => said['ready'] === true,
  ): Promise<Record<string, unknown>> {
    const child = spawn(process.execPath, [...args], {
      env: { ...process.env, ...this.environment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors: string[] = [];
    this.#processes.set(name, { child, errors });
    createInterface({ input: child.stderr }).on('line', (line) => {
      errors.push(line);
      if (errors.length > 200) errors.shift();
    });
    const ready = new Promise<Record<string, unknown>>((found) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const value = JSON.parse(line) as Record<string, unknown>;
        if (isReady(value)) found(value);
      });
    });
    const first = await Promise.race([ready, once(child, 'exit')]);
    if (Array.isArray(first)) throw new Error(`${name} did not start: ${errors.slice(-5).join('\n')}`);
    return first;
  }

  async #stop(name: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const found = this.#processes.get(name);
    this.#processes.delete(name);
    if (found === undefined || found.child.exitCode !== null || found.child.signalCode !== null) return;
    const exited = once(found.child, 'exit');
    found.child.kill(signal);
    const timer = setTimeout(() => found.child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(timer);
  }
}
