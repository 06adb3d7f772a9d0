/** The agent's process as `wafer dev` drives it: orders in, events out, and gone when the command goes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WaferError } from '@wafer/protocol';
import { DevEvent, type DevOrder, type DevSpec } from '@wafer/protocol/dev';

const AGENT = resolve(fileURLToPath(import.meta.url), '../../../../device-agent/src/main.ts');

/** How long the agent may take to end by itself before it is killed, ms. */
const STOP_WITHIN_MS = 3000;

/** What came of a load or a restart. */
export type Change = Extract<DevEvent, { event: 'swapped' | 'failed' }>;
type Notice = Exclude<DevEvent, Change>;

export class LocalAgent {
  readonly #child: ChildProcess;
  readonly #onNotice: (notice: Notice) => void;
  readonly #waiting = new Map<number, (change: Change) => void>();
  readonly #ended: Promise<never>;
  #lastWords = '';
  #lastOrder = 0;
  #isLeaving = false;

  /** `onNotice` is told of everything but the outcome of loads and restarts. */
  constructor(storesFolder: string | undefined, onNotice: (notice: Notice) => void) {
    this.#onNotice = onNotice;
    const stores = storesFolder === undefined ? [] : ['--stores', storesFolder];
    this.#child = spawn(process.execPath, [AGENT, 'dev', ...stores], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin!.on('error', () => undefined);
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#receive(line));
    createInterface({ input: this.#child.stderr! }).on('line', (line) => (this.#lastWords = line.trim()));
    this.#ended = once(this.#child, 'close').then(([code, signal]) => {
      throw new WaferError(
        'cli.start-failed',
        `the local agent ended by itself (${String(signal ?? `exit code ${code}`)}): ${this.#lastWords || 'it did not say why'}`,
      );
    });
    this.#ended.catch(() => undefined);
  }

  /** Rejects when the agent ends though nobody stopped it; never resolves. */
  get ended(): Promise<never> {
    return this.#ended;
  }

  /** `component` is an absolute path. */
  load(component: string, spec: DevSpec): Promise<Change> {
    return this.#change((id) => ({ order: 'load', id, component, spec }));
  }

  restart(): Promise<Change> {
    return this.#change((id) => ({ order: 'restart', id }));
  }

  send(topic: string, payload: string): void {
    this.#order({ order: 'message', id: this.#nextId(), topic, payload });
  }

  /** Ends the process; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#isLeaving = true;
    this.#order({ order: 'stop' });
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS);
    await this.#ended.catch(() => undefined);
    clearTimeout(timer);
  }

  #change(order: (id: number) => DevOrder): Promise<Change> {
    const id = this.#nextId();
    return new Promise((done) => {
      this.#waiting.set(id, done);
      this.#order(order(id));
    });
  }

  #nextId(): number {
    this.#lastOrder += 1;
    return this.#lastOrder;
  }

  #order(order: DevOrder): void {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
  }

  #receive(line: string): void {
    if (this.#isLeaving) return;
    const event = DevEvent.parse(JSON.parse(line));
    if (event.event !== 'swapped' && event.event !== 'failed') return this.#onNotice(event);
    const done = this.#waiting.get(event.id);
    this.#waiting.delete(event.id);
    done?.(event);
  }
}
