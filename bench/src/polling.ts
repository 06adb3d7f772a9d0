/** The peer of a rollout: the same number of devices that poll a classic update server (polling/server.ts). */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cpuMsOf } from './processes.ts';

const WIDTH = 64;

interface PollingOptions {
  readonly url: string;
  readonly key: string;
  readonly cert: string;
  readonly devices: number;
  /** Of 100 devices. */
  readonly failing: number;
}

class Peer {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterableIterator<string>;

  constructor(file: string, setup: object) {
    const path = fileURLToPath(new URL(`polling/${file}`, import.meta.url));
    this.child = spawn(process.execPath, [path], { stdio: ['pipe', 'pipe', 'inherit'] });
    const reader: Interface = createInterface({ input: this.child.stdout! });
    this.#lines = reader[Symbol.asyncIterator]() as AsyncIterableIterator<string>;
    this.say(setup);
  }

  say(what: object): void {
    this.child.stdin!.write(`${JSON.stringify(what)}\n`);
  }

  async line(): Promise<Record<string, number>> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the polling peer ended');
    return JSON.parse(value) as Record<string, number>;
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.stdin!.end();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(timer);
  }
}

export class Polling {
  readonly #options: PollingOptions;
  readonly #server: Peer;

  constructor(options: PollingOptions) {
    const { url, key, cert, devices } = options;
    this.#options = options;
    this.#server = new Peer('server.ts', { url, key, cert, devices });
  }

  /** Devices connect, are brought a release, and leave. Resolves with how long the middle took, and what it cost. */
  async round(
    port: number,
  ): Promise<{ readonly seconds: number; readonly serverMs: number; readonly devicesMs: number }> {
    const { devices, failing } = this.#options;
    const fleet = new Peer('devices.ts', { port, devices, width: WIDTH, failing });
    try {
      await fleet.line();
      const before = { server: cpuMsOf(this.#server.child.pid!), devices: cpuMsOf(fleet.child.pid!) };
      const since = performance.now();
      this.#server.say({});
      await this.#server.line();
      return {
        seconds: (performance.now() - since) / 1000,
        serverMs: cpuMsOf(this.#server.child.pid!) - before.server,
        devicesMs: cpuMsOf(fleet.child.pid!) - before.devices,
      };
    } finally {
      await fleet.end();
    }
  }

  /** The port on which it listens. */
  async listening(): Promise<number> {
    return (await this.#server.line())['port']!;
  }

  close(): Promise<void> {
    return this.#server.end();
  }
}
