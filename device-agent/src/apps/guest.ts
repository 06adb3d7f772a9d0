/**
 * One instance of a guest inside an isolate: links it to its capabilities, calls its exports, and says
 * how each call ended.
 */
import { performance } from 'node:perf_hooks';
import { GuestExit, Refusal, WitError, type Host } from '../capabilities/host.ts';
import { linkImports, type Linked } from '../capabilities/imports.ts';
import { onWait } from '../capabilities/io.ts';
import { LogBudget } from './log-budget.ts';
import {
  exportedAs,
  type CallOutcome,
  type CompiledModule,
  type Exported,
  type FromIsolate,
  type GuestCall,
  type Outcome,
  type Task,
} from './port.ts';

export type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: object,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
) => Record<string, Record<string, (...args: unknown[]) => unknown>>;

/** An image as the isolate holds it. */
export interface Code {
  readonly instantiate: Instantiate;
  readonly modules: readonly CompiledModule[];
}

/** What one call may publish: the main thread reads messages only between calls. */
const MAX_PUBLISHED_PER_CALL = 256;
const MAX_PUBLISHED_BYTES_PER_CALL = 1024 * 1024;
/** Denied uses that one call can put on record. */
const MAX_REPORTED_PER_CALL = 16;
const MAX_STACK_CHARACTERS = 700;
/** What holds for one call holds for so long of a service, whose one call does not end, ms. */
const SERVICE_TURN_MS = 1000;
const PAGE_BYTES = 65_536;
/** Lines of standard error that a fault quotes. */
const MAX_LAST_WORDS = 6;
const MAX_WORDS_CHARACTERS = 900;

export class Guest {
  readonly #spec: Task & { type: 'create' };
  readonly #post: (message: FromIsolate) => void;
  readonly #linked: Linked;
  readonly #budget: LogBudget;
  readonly #memories = new Set<WebAssembly.Memory>();
  readonly #exports = new Map<Exported, Record<string, (...args: unknown[]) => unknown>>();
  readonly #reported: Refusal[] = [];
  /** Last words on standard error: many languages say there why they trap. */
  readonly #lastWords: string[] = [];
  #ceilingBytes = 0;
  #published = { count: 0, bytes: 0 };
  #exit: GuestExit | undefined;
  #turnAt = -Infinity;

  /** Throws a `Refusal` when a granted folder cannot be had. */
  constructor(spec: Task & { type: 'create' }, post: (message: FromIsolate) => void) {
    this.#spec = spec;
    this.#post = post;
    this.#budget = new LogBudget(spec.logBytesPerMinute);
    this.#linked = linkImports(this.#host(), spec.stores);
    if (spec.service !== undefined) {
      onWait(() => {
        // What stands on a line that was not ended is said before it waits.
        this.#linked.finish();
        this.#pass();
      });
    }
  }

  /** Linear memory of all its core instances that can be seen from outside, bytes. */
  get memoryBytes(): number {
    return [...this.#memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  }

  /** `onEnter` is called before the first of the guest's own code runs. */
  instantiate(code: Code, onEnter: () => void): Outcome {
    return this.#attempt<Outcome>(() => {
      const modules = new Map(code.modules.map((module) => [module.name, module.module]));
      const exported = code.instantiate(
        (name) => modules.get(name)!,
        this.#linked.imports,
        this.#instantiateCore(code.modules, onEnter),
      );
      for (const [name, functions] of Object.entries(exported)) {
        const known = exportedAs(name);
        if (known !== undefined) this.#exports.set(known, functions);
      }
      return { status: 'created', exports: [...this.#exports.keys()] };
    });
  }

  exports(exported: Exported): boolean {
    return this.#exports.has(exported);
  }

  call(call: GuestCall): CallOutcome {
    return this.#attempt(() => {
      const value = this.#invoke(call);
      return value instanceof Uint8Array ? { status: 'returned', value } : { status: 'returned' };
    });
  }

  release(): void {
    this.#linked.release();
  }

  #invoke(call: GuestCall): unknown {
    switch (call.name) {
      case 'start':
        return this.#function('lifecycle', 'start')();
      case 'stop':
        return this.#function('lifecycle', 'stop')();
      case 'check':
        return this.#function('health', 'check')();
      case 'tick':
        return this.#function('timer', 'tick')();
      case 'save':
        return this.#function('state', 'save')();
      case 'restore':
        return this.#function('state', 'restore')(call.snapshot);
      case 'run':
        return this.#function('run', 'run')();
      case 'handle':
        return this.#function('handler', 'handle')(this.#linked.message(call.topic, call.payload));
    }
  }

  #function(exported: Exported, name: string): (...args: unknown[]) => unknown {
    const found = this.#exports.get(exported)?.[name];
    if (found === undefined) {
      throw new Refusal('incompatible', `The component does not export ${exported}.${name}.`, exported);
    }
    return found;
  }

  /** Holds the component to the number of core instances that its memory limit was shared out over. */
  #instantiateCore(modules: readonly CompiledModule[], onEnter: () => void) {
    const left = new Map(modules.map((module) => [module.module, module.instances]));
    const memoryBytes = new Map(modules.map((module) => [module.module, module.memoryBytes]));
    let hasEntered = false;
    return (module: WebAssembly.Module, imports?: WebAssembly.Imports): WebAssembly.Instance => {
      const count = left.get(module) ?? 0;
      if (count === 0) {
        throw new Refusal(
          'memory-limit',
          'A core module was instantiated more often than it says.',
          'memory',
        );
      }
      left.set(module, count - 1);
      this.#ceilingBytes += memoryBytes.get(module) ?? 0;
      if (!hasEntered) onEnter();
      hasEntered = true;
      const instance = new WebAssembly.Instance(module, imports);
      for (const value of Object.values(instance.exports)) {
        if (value instanceof WebAssembly.Memory) this.#memories.add(value);
      }
      return instance;
    };
  }

  #attempt<T extends Outcome>(run: () => T): T | CallOutcome {
    this.#published = { count: 0, bytes: 0 };
    this.#lastWords.length = 0;
    let outcome: T | CallOutcome;
    let thrown: unknown;
    try {
      outcome = run();
    } catch (error) {
      thrown = error;
      outcome = this.#failed(error);
    }
    this.#linked.finish();
    this.#tellDropped();
    this.#tellReported(thrown);
    // A guest that swallowed its own exit has ended all the same.
    return this.#exit === undefined ? outcome : { status: 'exit', code: this.#exit.code };
  }

  #failed(error: unknown): CallOutcome {
    if (error instanceof GuestExit) {
      this.#exit = error;
      return { status: 'exit', code: error.code };
    }
    if (error instanceof Refusal) {
      const { kind, message, subject } = error;
      return { status: 'fault', kind, message, subject };
    }
    if (error instanceof Error && Object.hasOwn(error, 'payload') && !(error instanceof WitError)) {
      return { status: 'error', message: describePayload((error as Error & { payload: unknown }).payload) };
    }
    return this.#trapped(error);
  }

  /** A guest whose memory is nearly at its maximum when it traps has most likely run out of it. */
  #trapped(error: unknown): CallOutcome {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#linked.finish();
    const words = this.#lastWords.filter((line) => line !== '').join('\n');
    const told = `${words.slice(0, MAX_WORDS_CHARACTERS)}\n${stack.slice(0, MAX_STACK_CHARACTERS)}`.trim();
    const used = this.memoryBytes;
    if (used > 0 && used >= this.#ceilingBytes * (7 / 8)) {
      const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);
      const message = `The guest trapped with ${mib(used)} MiB of the ${mib(this.#ceilingBytes)} MiB that it may have: ${told}`;
      return { status: 'fault', kind: 'memory-limit', message, subject: 'memoryMiB' };
    }
    return { status: 'fault', kind: 'trap', message: `The guest trapped: ${told}` };
  }

  #host(): Host {
    const { guest, grants, config } = this.#spec;
    return {
      grants,
      config,
      log: (level, text) => {
        this.#pass();
        if (level === 'warn') this.#lastWords.push(text);
        if (this.#lastWords.length > MAX_LAST_WORDS) this.#lastWords.shift();
        if (!this.#budget.admits(text, performance.now())) return;
        const line = { level, text, at: Date.now() };
        this.#post({ type: 'log', guest, line, dropped: this.#budget.takeDropped() });
      },
      publish: (topic, payload) => {
        this.#pass();
        const { count, bytes } = this.#published;
        const isOver =
          count >= MAX_PUBLISHED_PER_CALL || bytes + payload.length > MAX_PUBLISHED_BYTES_PER_CALL;
        if (isOver) return false;
        this.#published = { count: count + 1, bytes: bytes + payload.length };
        this.#post({ type: 'publish', guest, topic, payload });
        return true;
      },
      report: (refusal) => {
        if (this.#reported.length < MAX_REPORTED_PER_CALL) this.#reported.push(refusal);
        this.#pass();
      },
    };
  }

  /** Called as a service goes on: does what is done at the end of a call, once a turn is over. */
  #pass(): void {
    const { service } = this.#spec;
    if (service === undefined) return;
    Atomics.store(service, 0, this.memoryBytes / PAGE_BYTES);
    const now = performance.now();
    if (now - this.#turnAt < SERVICE_TURN_MS) return;
    this.#turnAt = now;
    this.#published = { count: 0, bytes: 0 };
    this.#tellDropped();
    this.#tellReported(undefined);
  }

  /** All but the one that ended the call, which its outcome tells. */
  #tellReported(thrown: unknown): void {
    for (const { kind, message, subject } of this.#reported.filter((refusal) => refusal !== thrown)) {
      this.#post({ type: 'refused', guest: this.#spec.guest, kind, message, subject });
    }
    this.#reported.length = 0;
  }

  #tellDropped(): void {
    const dropped = this.#budget.takeDropped();
    if (dropped > 0) this.#post({ type: 'log', guest: this.#spec.guest, line: undefined, dropped });
  }
}

/** The `err` value of a result, for people. */
function describePayload(payload: unknown): string {
  if (payload === undefined) return 'an error without a reason';
  if (typeof payload === 'string') return payload;
  if (typeof payload === 'object' && payload !== null && 'tag' in payload) {
    return 'val' in payload ? `${String(payload.tag)}: ${String(payload.val)}` : String(payload.tag);
  }
  return JSON.stringify(payload);
}
