/**
 * A board that has the package instead of a checkout: the staged tree or what was unpacked of it, started by
 * its own starter with an environment that names nothing else. What systemd would do for it (start it again
 * when it ends) nobody does here, unless a test says so.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ended, type Ended } from './ended.ts';
import { ROOT } from './root.ts';

/** What `npm run package` says on its last line. */
export interface Packaged {
  readonly version: string;
  readonly tarball: string;
  readonly deb: string;
  readonly containerfile: string;
  readonly folder: string;
}

/** Runs it into `out`; with a version as if it were that one, where it must be another than this. */
export async function makePackage(out: string, version?: string): Promise<Packaged> {
  const program = join(ROOT, 'device-agent/package/main.ts');
  const child = spawn(
    process.execPath,
    [program, '--out', out, ...(version === undefined ? [] : ['--version', version])],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const { code, output } = await ended(child);
  if (code !== 0) throw new Error(`npm run package ended with ${code}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Packaged;
}

export class PackagedBoard {
  readonly data: string;
  readonly #starter: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #log: string[] = [];
  #running: ChildProcess | undefined;

  constructor(tree: string, data: string, environment: Readonly<Record<string, string>> = {}) {
    this.#starter = join(tree, 'bin/wafer-agent');
    this.data = data;
    this.#environment = { PATH: '/usr/bin:/bin', WAFER_NODE: process.execPath, ...environment };
  }

  /** One command, to its end. */
  command(...args: string[]): Promise<Ended> {
    const child = spawn(this.#starter, [...args, '--data', this.data], {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return ended(child);
  }

  /** Resolves with the device's id once the agent has reached the broker. */
  async start(): Promise<string> {
    const child = spawn(this.#starter, ['run', '--data', this.data], {
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running = child;
    createInterface({ input: child.stderr }).on('line', (line) => this.#log.push(line));
    const ready = new Promise<string>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        resolve((JSON.parse(line) as { device: string }).device);
      });
    });
    const exited = once(child, 'exit').then(() => undefined);
    const device = await Promise.race([ready, exited]);
    if (device === undefined) throw new Error(`the packaged agent exited: ${this.log}`);
    return device;
  }

  get log(): string {
    return this.#log.slice(-40).join('\n');
  }

  /** The starter's own exit code; null after a signal. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    const child = this.#running;
    this.#running = undefined;
    if (child === undefined) return null;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
    return child.exitCode;
  }
}
