/** The simulator's process as the command drives it: orders in, events out, and gone when the command goes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WaferError } from '@wafer/protocol';
import { SimulateEvent, type SimulateOrder } from '@wafer/protocol/simulate';

const AGENT = resolve(fileURLToPath(import.meta.url), '../../../../device-agent/src/main.ts');

/** How long a fleet may take to say goodbye, ms; each device does for itself. */
const STOP_WITHIN_MS = 30_000;

export class Simulator {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #lastWords = '';
  #isLeaving = false;

  constructor(tell: (event: SimulateEvent) => void) {
    this.#child = spawn(process.execPath, [AGENT, 'simulate'], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin!.on('error', () => undefined);
    createInterface({ input: this.#child.stdout! }).on('line', (line) =>
      tell(SimulateEvent.parse(JSON.parse(line))),
    );
    createInterface({ input: this.#child.stderr! }).on('line', (line) => (this.#lastWords = line.trim()));
    this.#ended = once(this.#child, 'close').then(([code, signal]) => {
      if (this.#isLeaving) return;
      const why = this.#lastWords || `it ended with ${String(signal ?? `exit code ${code}`)}`;
      throw new WaferError('cli.start-failed', `the simulated fleet ended by itself: ${why}`);
    });
    this.#ended.catch(() => undefined);
  }

  /** Resolves when it has ended as it was told; rejects when it has ended by itself. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  order(order: SimulateOrder): void {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
  }

  /** Every device says goodbye, and what it holds is kept; resolves when the process is gone. */
  async stop(): Promise<void> {
    this.#isLeaving = true;
    this.order({ order: 'stop' });
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS);
    await this.#ended.catch(() => undefined);
    clearTimeout(timer);
  }
}
