/**
 * The main thread's hold on one isolate. A task has a deadline; whoever breaks it ends the isolate, for
 * nothing else stops a loop in WebAssembly. Which guests lived there, and what becomes of them, is for
 * the caller to know.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import { FaultError } from '@wafer/protocol';
import { programUrl } from '../programs.ts';
import { closeLines, portsOf } from './lines.ts';
import { newPosted, Wire } from './wire.ts';
import { threadProgram } from './worker-code.ts';
import { currentStage, enterStage, newStages, STAGES, type Stage } from './stages.ts';
import type { FromIsolate, GuestId, Image, ImageKey, Task, ToIsolate } from './port.ts';

/** Host memory of an isolate, MiB: bindings and what host functions hold, not the guests' memories. */
const HEAP_MIB = 128;
/** Of that for what is young. V8 would take ten times as much while many guests are made, and keep it. */
const YOUNG_HEAP_MIB = 6;

/** Boot of the thread and compiling of bindings, before any code of the guest runs; slow boards take seconds. */
const LOAD_LIMIT_MS = 60_000;

/** How a task ended: with its outcome, or with the isolate. */
export type TaskEnd =
  | Extract<FromIsolate, { type: 'done' }>
  | { readonly type: 'isolate-ended'; readonly fault: FaultError; readonly busyMs: number };

/** What an isolate says besides how its task ended. */
export type Notice = Extract<FromIsolate, { type: 'log' | 'publish' | 'spent' | 'refused' | 'worked' }>;

interface Running {
  /** How long each stage may last, ms. Creation passes through all three, a call is the last one. */
  readonly allowed: Readonly<Record<Stage, number>>;
  readonly end: (end: TaskEnd) => void;
  timer: NodeJS.Timeout | undefined;
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

export class Isolate {
  readonly #worker: Worker;
  readonly #wire: Wire<FromIsolate, ToIsolate>;
  readonly #onNotice: (notice: Notice) => void;
  readonly #onIdleDeath: () => void;
  readonly #loaded = new Set<ImageKey>();
  readonly #stages = newStages();
  #running: Running | undefined;
  #latest: GuestId | undefined;
  #hasEnded = false;

  /** `onIdleDeath` is called when the thread ends by itself while it runs nothing. */
  constructor(onNotice: (notice: Notice) => void, onIdleDeath: () => void) {
    this.#onNotice = onNotice;
    this.#onIdleDeath = onIdleDeath;
    const { port1, port2 } = new MessageChannel();
    const posted = newPosted();
    this.#wire = new Wire(port1, posted, 'main', (message) => this.#receive(message));
    const { code, data } = threadProgram(programUrl('isolate'));
    this.#worker = new Worker(code, {
      eval: true,
      workerData: { port: port2, posted, stages: this.#stages, ...data },
      transferList: [port2],
      env: {},
      argv: [],
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: YOUNG_HEAP_MIB },
    });
    this.#worker.on('error', (error) => this.#died(whyItEnded(error)));
    this.#worker.on('exit', () => this.#died(whyItEnded(new Error('the thread exited'))));
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
      if (task.type === 'create') this.#load(image);
      // Before the creation has entered the guest, only the host's own work is waited for.
      const allowed = { loading: LOAD_LIMIT_MS, creation: deadlineMs, call: firstCallMs };
      this.#running = { allowed, end, timer: undefined };
      enterStage(this.#stages, task.type === 'create' ? 'loading' : 'call');
      this.#watch(this.#running);
      if (this.#latest !== task.guest) this.#wire.beginAnew();
      this.#latest = task.guest;
      this.#send(task);
      this.#wire.waits();
    });
  }

  /** By how much its task has outlasted its deadline, ms; whoever holds the deadlines ends it before. */
  get overdueMs(): number {
    if (this.#running === undefined) return 0;
    const { stage, forMs } = currentStage(this.#stages);
    return Math.max(0, forMs - this.#running.allowed[stage]);
  }

  drop(guest: GuestId): void {
    this.#send({ type: 'drop', guest });
  }

  /** Has it give memory back that it holds for nobody any more. */
  collect(): void {
    this.#send({ type: 'collect' });
  }

  unload(image: ImageKey): void {
    if (this.#loaded.delete(image)) this.#send({ type: 'unload', image });
  }

  /** Ends the thread at once, whatever it does. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    this.#wire.close();
    await this.#worker.terminate();
    if (this.#running !== undefined) {
      this.#finish(this.#ended(whyItEnded(new Error('it was ended'))));
    }
  }

  #load(image: Image): void {
    if (this.#loaded.has(image.key)) return;
    this.#loaded.add(image.key);
    this.#send({ type: 'load', image });
  }

  #send(message: ToIsolate): void {
    if (this.#hasEnded) return;
    this.#wire.post(message, message.type === 'create' ? portsOf(message.lines) : []);
  }

  /**
   * Looks again when the stage that goes on may have lasted too long, or one that may follow it. A service
   * has all the time there is.
   */
  #watch(running: Running): void {
    const { stage, forMs } = currentStage(this.#stages);
    const following = STAGES.slice(STAGES.indexOf(stage) + 1).map((next) => running.allowed[next]);
    const inMs = Math.min(running.allowed[stage] - forMs, ...following);
    if (inMs !== Infinity) running.timer = setTimeout(() => this.#look(), inMs);
  }

  #receive(message: FromIsolate): void {
    switch (message.type) {
      case 'ready':
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

  #finish(end: TaskEnd): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    this.#wire.goesOn();
    clearTimeout(running.timer);
    running.end(end);
  }

  /** A deadline may have passed. Where the main thread itself was late, the answer may be here already. */
  #look(): void {
    const running = this.#running;
    this.#wire.drain();
    if (running === undefined || this.#running !== running) return;
    const { stage, forMs } = currentStage(this.#stages);
    if (forMs < running.allowed[stage]) return this.#watch(running);
    void this.end();
    this.#finish(this.#ended(outOfTime(running.allowed[stage])));
  }

  #ended(fault: FaultError): TaskEnd {
    return { type: 'isolate-ended', fault, busyMs: currentStage(this.#stages).forMs };
  }

  #died(fault: FaultError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#wire.close();
    if (this.#running === undefined) this.#onIdleDeath();
    else this.#finish(this.#ended(fault));
  }
}
