/** `wafer simulate`, as a person starts it, and what it says. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SimulateEvent, type SimulateFigures } from '@wafer/protocol/simulate';
import { cpuMsOf } from './processes.ts';

const CLI = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));

export interface SimulatedOptions {
  readonly devices: number;
  readonly behaviours: string;
  readonly folder: string;
  readonly credentials: string;
}

export class Simulated {
  readonly #child: ChildProcess;
  readonly #ready = Promise.withResolvers<Extract<SimulateEvent, { event: 'ready' }>>();
  #errors = '';
  figures: SimulateFigures | undefined;

  constructor({ devices, behaviours, folder, credentials }: SimulatedOptions) {
    const args = ['--devices', `${devices}`, '--behaviours', behaviours, '--data', folder];
    this.#child = spawn(process.execPath, [CLI, 'simulate', ...args, '--health', '300s', '--json'], {
      env: { ...process.env, WAFER_CREDENTIALS: credentials },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stderr!.on('data', (bytes: Buffer) => (this.#errors += bytes.toString()));
    this.#child.once('exit', () =>
      this.#ready.reject(new Error(`the simulated fleet ended: ${this.#errors.slice(-2000)}`)),
    );
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      // When it fails, its last line is a problem.
      const said = SimulateEvent.safeParse(JSON.parse(line));
      if (!said.success) this.#errors += line;
      else if (said.data.event === 'ready') this.#ready.resolve(said.data);
      else if (said.data.event === 'figures') this.figures = said.data.figures;
    });
  }

  /** Everyone is enrolled and has been connected once. */
  get ready(): Promise<Extract<SimulateEvent, { event: 'ready' }>> {
    return this.#ready.promise;
  }

  get cpuMs(): number {
    return cpuMsOf(this.#child.pid!);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGINT');
    await ended;
  }
}
