/**
 * The local agent of `wafer dev`: the real app host (prepare, pool, limits, capabilities, swaps) for one
 * app, driven by whoever started this process.
 *
 * There is no link, no trust chain and no server here, and nothing that is signed: what is loaded is a
 * file of the person at this machine's terminal, who could run its source just as well. So this is
 * reached by a command line and a pipe only. No message of a server or a broker leads here, an enrolled
 * agent never runs it, and it opens no port.
 *
 * Everything but key-value stores lies in a temporary folder that goes with the process, and the process
 * goes with its input: whatever becomes of the terminal, nothing is left behind.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Digest, type Fault, type SwapFigures } from '@wafer/protocol';
import { DevOrder, type DevEvent, type DevSpec } from '@wafer/protocol/dev';
import type { AppSpec, Prepared, Runtime, RuntimeOptions } from './apps/runtime.ts';
import { reason } from './log.ts';
import { asFault } from './state/failing.ts';

/** A candidate that hangs costs its own isolate, and not that of the instance beside it. */
const ISOLATES = 2;

interface DevOptions {
  readonly input: Readable;
  readonly tell: (event: DevEvent) => void;
  readonly createRuntime: (options: RuntimeOptions) => Runtime;
  /** Folder for a folder of its own, which goes with it. */
  readonly temporary: string;
  /** Where key-value stores outlive this process; else they go with it. */
  readonly storesFolder: string | undefined;
}

interface Loaded {
  readonly spec: AppSpec;
  readonly prepared: Prepared;
}

/** Resolves when it was told to stop, or when its input has ended. */
export async function runDev(options: DevOptions): Promise<void> {
  const { input, tell, createRuntime, storesFolder } = options;
  const folder = mkdtempSync(join(options.temporary, 'wafer-dev-'));
  const told = new WeakSet<Fault>();
  const runtime = createRuntime({
    folder: join(folder, 'prepared'),
    storesFolder: storesFolder ?? join(folder, 'stores'),
    isolates: ISOLATES,
    spareTranspiler: true,
    events: {
      fault: (_app, _version, fault) => {
        told.add(fault);
        tell({ event: 'fault', fault });
      },
      used: () => undefined,
      publish: (_app, topic, payload) => tell(published(topic, payload)),
      log: (_app, lines, dropped) => {
        for (const { level, text } of lines) tell({ event: 'log', level, text });
        if (dropped > 0) tell({ event: 'dropped', lines: dropped });
      },
    },
  });
  const agent = new DevAgent(runtime, tell, told);
  try {
    tell({ event: 'ready' });
    for await (const line of createInterface({ input })) {
      const order = DevOrder.parse(JSON.parse(line));
      if (order.order === 'stop') break;
      agent.obey(order);
    }
  } finally {
    agent.close();
    await runtime.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class DevAgent {
  readonly #runtime: Runtime;
  readonly #tell: (event: DevEvent) => void;
  /** Faults of the serving instance that were told already: a call that failed by one says no more. */
  readonly #told: WeakSet<Fault>;
  #serving: Loaded | undefined;
  #last: Promise<void> = Promise.resolve();
  #probing: NodeJS.Timeout | undefined;
  #complaint: string | undefined;

  constructor(runtime: Runtime, tell: (event: DevEvent) => void, told: WeakSet<Fault>) {
    this.#runtime = runtime;
    this.#tell = tell;
    this.#told = told;
  }

  /** Loads and restarts happen one after the other; messages go to whatever serves. */
  obey(order: Exclude<DevOrder, { order: 'stop' }>): void {
    switch (order.order) {
      case 'load':
        return this.#inTurn(order.id, () => this.#load(order.component, order.spec));
      case 'restart':
        return this.#inTurn(order.id, () => this.#restart());
      case 'message':
        return void this.#deliver(order.id, order.topic, order.payload);
    }
  }

  close(): void {
    clearInterval(this.#probing);
  }

  #inTurn(id: number, change: () => Promise<SwapFigures>): void {
    this.#last = this.#last.then(async () => {
      try {
        this.#tell({ event: 'swapped', id, figures: await change() });
      } catch (error) {
        const fault = asFault(error, 'prepare');
        this.#tell({ event: 'failed', id, fault, serving: this.#serving !== undefined });
      }
    });
  }

  async #load(component: string, spec: DevSpec): Promise<SwapFigures> {
    const bytes = await readFile(component);
    const digest = Digest.parse(createHash('sha256').update(bytes).digest('hex'));
    const prepared = await this.#runtime.prepare(digest, bytes, spec.limits);
    return this.#swapTo({ spec: { ...spec, digest }, prepared });
  }

  async #swapTo(loaded: Loaded): Promise<SwapFigures> {
    const { app } = loaded.spec;
    const before = this.#serving;
    if (before !== undefined && before.spec.app !== app) await this.#runtime.stop(before.spec.app);
    const cause = before === undefined ? 'start' : 'release';
    const figures = await this.#runtime.swap(loaded.spec, loaded.prepared, undefined, cause);
    // There is no soak: whoever is not content edits the file again.
    await this.#runtime.settle(app);
    this.#serving = loaded;
    this.#watch();
    const isUnused = before !== undefined && before.prepared.folder !== loaded.prepared.folder;
    if (isUnused) rmSync(before.prepared.folder, { recursive: true, force: true });
    return figures;
  }

  async #restart(): Promise<SwapFigures> {
    const serving = this.#serving;
    if (serving === undefined) throw new Error('nothing runs yet');
    this.#serving = undefined;
    await this.#runtime.stop(serving.spec.app);
    const figures = await this.#swapTo(serving);
    return { ...figures, cause: 'restart', prepareMs: 0 };
  }

  async #deliver(id: number, topic: string, payload: string): Promise<void> {
    try {
      if (this.#serving === undefined) throw new Error('nothing runs yet');
      await this.#runtime.deliver(this.#serving.spec.app, topic, Buffer.from(payload));
      this.#tell({ event: 'delivered', id });
    } catch (error) {
      const fault = asFault(error, 'unhealthy');
      // The runtime tells of it in the same turn, and this comes a turn later.
      if (!this.#told.has(fault)) this.#tell({ event: 'undelivered', id, fault });
    }
  }

  /** Asks for its health as a board would; says so when it worsens, not every time. */
  #watch(): void {
    clearInterval(this.#probing);
    this.#complaint = undefined;
    const serving = this.#serving!;
    const probe = async (): Promise<void> => {
      try {
        await this.#runtime.probe(serving.spec.app);
        this.#complaint = undefined;
      } catch (error) {
        const fault = asFault(error, 'unhealthy');
        if (this.#serving !== serving || fault.message === this.#complaint) return;
        this.#complaint = fault.message;
        this.#tell({ event: 'fault', fault });
      }
    };
    this.#probing = setInterval(() => void probe(), serving.spec.health.probeEveryMs);
  }
}

function published(topic: string, payload: Uint8Array): DevEvent {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(payload);
    return { event: 'publish', topic, text };
  } catch {
    return { event: 'publish', topic, base64: Buffer.from(payload).toString('base64') };
  }
}

/** The process: orders from standard input, events to standard output. */
export async function devProcess(storesFolder: string | undefined): Promise<void> {
  // Whoever listened is gone: the end of the input follows, and ends this process in good order.
  process.stdout.on('error', () => undefined);
  // Ctrl-C at a terminal reaches every process there; the one that started this one decides.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => process.stdin.destroy());
  process.on('uncaughtException', (error) => {
    process.stderr.write(`${reason(error)}\n`);
    process.exit(1);
  });
  const { createRuntime } = await import('./apps/host.ts');
  await runDev({
    input: process.stdin,
    tell: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
    createRuntime,
    temporary: tmpdir(),
    storesFolder,
  });
  process.exit(0);
}
