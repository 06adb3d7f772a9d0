/**
 * The main thread's hold on one isolate. A task has a deadline; whoever breaks it ends the isolate, for
 * nothing else stops a loop in WebAssembly. Which guests lived there, and what becomes of them, is for
 * the caller to know.
 */
import { performance } from 'node:perf_hooks';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { FaultError } from '@wafer/protocol';
import { programUrl } from '../programs.ts';
import { closeLines, portsOf } from './lines.ts';
import { threadProgram } from './worker-code.ts';
import type { FromIsolate, GuestId, Image, ImageKey, Task, ToIsolate } from './port.ts';

/** Host memory of an isolate, MiB: bindings and what host functions hold, not the guests' memories. */
const HEAP_MIB = 128;

/** Boot of the thread and compiling of bindings, before any code of the guest runs; slow boards take seconds. */
const LOAD_LIMIT_MS = 60_000;

/** How a task ended: with its outcome, or with the isolate. */
export type TaskEnd =
  | Extract<FromIsolate, { type: 'done' }>
  | { readonly type: 'isolate-ended'; readonly fault: FaultError; readonly busyMs: number };

/** What an isolate says besides how its task ended. */
export type Notice = Extract<FromIsolate, { type: 'log' | 'publish' | 'spent' | 'refused' | 'worked' }>;

interface Running {
  deadlineMs: number;
  readonly firstCallMs: number;
  readonly image: ImageKey;
  readonly end: (end: TaskEnd) => void;
  timer: NodeJS.Timeout | undefined;
  /** When the guest's own time began. */
  since: number;
}

const outOfTime = (deadlineMs: number): FaultError =>
  new FaultError(
    'deadline',
    `The call did not return within ${deadlineMs} ms and was ended.`,
    `${deadlineMs} ms`,
  );

function whyItEnded(error: Error): FaultError {
  const isMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
  return isMemory
    ? new FaultError('memory-limit', 'The guest made the host use more memory than it may.', 'host memory')
    : new FaultError('trap', `The isolate ended while the guest ran: ${error.message}`);
}

const ended = ({ since }: Running, fault: FaultError): TaskEnd => ({
  type: 'isolate-ended',
  fault,
  busyMs: performance.now() - since,
});

export class Isolate {
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #onNotice: (notice: Notice) => void;
  readonly #onIdleDeath: () => void;
  readonly #loaded = new Set<ImageKey>();
  /** Of those loaded, the ones whose bindings are compiled there: a guest's time begins at once. */
  readonly #compiled = new Set<ImageKey>();
  #running: Running | undefined;
  #hasEnded = false;

  /** `onIdleDeath` is called when the thread ends by itself while it runs nothing. */
  constructor(onNotice: (notice: Notice) => void, onIdleDeath: () => void) {
    this.#onNotice = onNotice;
    this.#onIdleDeath = onIdleDeath;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const { code, data } = threadProgram(programUrl('isolate'));
    this.#worker = new Worker(code, {
      eval: true,
      workerData: { port: port2, ...data },
      transferList: [port2],
      env: {},
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    });
    this.#worker.on('error', (error) => this.#died(whyItEnded(error)));
    this.#worker.on('exit', () => this.#died(whyItEnded(new Error('the thread exited'))));
    port1.on('message', (message: FromIsolate) => this.#receive(message));
  }

  /**
   * Runs one task; there must be none running. `firstCallMs` is the deadline of the call that a creation
   * may make at its end.
   */
  run(task: Task, image: Image, deadlineMs: number, firstCallMs = deadlineMs): Promise<TaskEnd> {
    if (this.#running !== undefined) throw new Error('an isolate runs one task at a time');
    return new Promise((end) => {
      if (this.#hasEnded) {
        if (task.type === 'create') closeLines(task.lines);
        return end({ type: 'isolate-ended', fault: whyItEnded(new Error('it had ended')), busyMs: 0 });
      }
      const isNew = task.type === 'create' && !this.#compiled.has(image.key);
      if (task.type === 'create') this.#load(image);
      // Before the first creation has entered the guest, only the host's own work is waited for.
      const timer = this.#timer(isNew ? LOAD_LIMIT_MS : deadlineMs);
      const since = performance.now();
      this.#running = { deadlineMs, firstCallMs, image: image.key, end, timer, since };
      this.#send(task.type === 'create' ? { ...task, isNew } : task);
    });
  }

  drop(guest: GuestId): void {
    this.#send({ type: 'drop', guest });
  }

  unload(image: ImageKey): void {
    this.#compiled.delete(image);
    if (this.#loaded.delete(image)) this.#send({ type: 'unload', image });
  }

  /** Ends the thread at once, whatever it does. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    this.#port.close();
    await this.#worker.terminate();
    if (this.#running !== undefined) {
      this.#finish(ended(this.#running, whyItEnded(new Error('it was ended'))));
    }
  }

  #load(image: Image): void {
    if (this.#loaded.has(image.key)) return;
    this.#loaded.add(image.key);
    this.#send({ type: 'load', image });
  }

  #send(message: ToIsolate): void {
    if (this.#hasEnded) return;
    this.#port.postMessage(message, message.type === 'create' ? portsOf(message.lines) : []);
  }

  /** A service has all the time there is. */
  #timer(ms: number): NodeJS.Timeout | undefined {
    return ms === Infinity ? undefined : setTimeout(() => this.#late(), ms);
  }

  #receive(message: FromIsolate): void {
    switch (message.type) {
      case 'ready':
        return;
      case 'entered':
        this.#entered(message.what);
        return;
      case 'done':
        this.#finish(message);
        return;
      case 'log':
      case 'publish':
      case 'spent':
      case 'refused':
      case 'worked':
        this.#onNotice(message);
    }
  }

  /** The guest's own time begins: that of its creation, or that of its first call. */
  #entered(what: 'creation' | 'call'): void {
    const running = this.#running;
    if (running === undefined) return;
    if (what === 'call') running.deadlineMs = running.firstCallMs;
    else this.#compiled.add(running.image);
    clearTimeout(running.timer);
    running.timer = this.#timer(running.deadlineMs);
    running.since = performance.now();
  }

  #finish(end: TaskEnd): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    clearTimeout(running.timer);
    running.end(end);
  }

  /** The timer fired. Where the main thread itself was late, the answer may be here already. */
  #late(): void {
    const running = this.#running;
    for (let next = receiveMessageOnPort(this.#port); next !== undefined;) {
      this.#receive(next.message as FromIsolate);
      next = receiveMessageOnPort(this.#port);
    }
    if (running === undefined || this.#running !== running) return;
    void this.end();
    this.#finish(ended(running, outOfTime(running.deadlineMs)));
  }

  #died(fault: FaultError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#port.close();
    if (this.#running === undefined) this.#onIdleDeath();
    else this.#finish(ended(this.#running, fault));
  }
}
