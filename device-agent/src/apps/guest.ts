/**
 * One instance of a guest inside an isolate: links it to its capabilities, calls its exports, and says
 * how each call ended.
 */
import { performance } from 'node:perf_hooks';
import { GuestExit, Refusal, WitError, type Host } from '../capabilities/host.ts';
import { linkImports, type Linked } from '../capabilities/imports.ts';
import { Redactor } from '../capabilities/redact.ts';
import type { Code } from './code.ts';
import { onWait } from '../capabilities/io.ts';
import { LogBudget } from './log-budget.ts';
import { Refusals } from './refusals.ts';
import { Sending } from './sending.ts';
import { describeTrap, enteredBy, wasmFrames } from './stack.ts';
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

/** A grant that is used all the time is told again after this long, ms. */
const USED_ANEW_MS = 10 * 60_000;
/** Longest text of a log line and of a fault, characters; the protocol carries no more. */
const MAX_LINE_CHARACTERS = 4000;
const MAX_FAULT_CHARACTERS = 2000;
/** What holds for one call holds for so long of a service, whose one call does not end, ms. */
const SERVICE_TURN_MS = 1000;
const PAGE_BYTES = 65_536;
/** Lines of standard error that a fault quotes. */
const MAX_LAST_WORDS = 6;
const IMPORT_ANSWERED = 'an import answered';

export class Guest {
  readonly #spec: Task & { type: 'create' };
  readonly #post: (message: FromIsolate) => void;
  readonly #redactor: Redactor;
  readonly #linked: Linked;
  readonly #budget: LogBudget;
  readonly #memories = new Set<WebAssembly.Memory>();
  readonly #exports = new Map<Exported, Record<string, (...args: unknown[]) => unknown>>();
  readonly #refusals: Refusals;
  readonly #sending: Sending;
  /** Grants that were used since `#usedSince`, and those of them that the main thread was not told of. */
  readonly #used = new Set<string>();
  #untold: string[] = [];
  #usedSince = 0;
  #busyMs = 0;
  /** Last words on standard error: many languages say there why they trap. */
  readonly #lastWords: string[] = [];
  #ceilingBytes = 0;
  /** A refusal that ends the call, unless the guest finds a way to go on. */
  #failing: Refusal | undefined;
  #exit: GuestExit | undefined;
  #busySince = 0;
  /** Of a service: when its turn began. */
  #turnAt = -Infinity;

  /** Throws a `Refusal` when a granted folder, or a granted edge, cannot be had. */
  constructor(spec: Task & { type: 'create' }, post: (message: FromIsolate) => void) {
    this.#spec = spec;
    this.#post = post;
    this.#redactor = new Redactor(spec.secrets);
    this.#budget = new LogBudget(spec.logBytesPerMinute);
    this.#refusals = new Refusals((refused, count) =>
      post(this.#redacted({ type: 'refused', guest: spec.guest, count, ...refused })),
    );
    this.#sending = new Sending(spec.allowance, (refusal) => this.#refusals.add(refusal));
    this.#linked = linkImports(this.#host(), spec.lines);
    if (spec.service !== undefined) {
      onWait({
        begins: () => {
          // What stands on a line that was not ended is said before it waits.
          this.#linked.finish();
          this.#pass();
          this.#busyMs += performance.now() - this.#busySince;
        },
        ends: () => (this.#busySince = performance.now()),
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

  /** Time in its calls and grants that it used, since this was last asked. */
  takeUse(): { busyMs: number; used?: readonly string[] } {
    const busyMs = this.#busyMs;
    this.#busyMs = 0;
    if (this.#untold.length === 0) return { busyMs };
    const used = this.#untold;
    this.#untold = [];
    return { busyMs, used };
  }

  #forgetUse(now: number): void {
    if (now - this.#usedSince <= USED_ANEW_MS) return;
    this.#used.clear();
    this.#usedSince = now;
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
    this.#busySince = performance.now();
    this.#sending.begin();
    this.#lastWords.length = 0;
    WitError.latest = undefined;
    this.#forgetUse(this.#busySince);
    let outcome: T | CallOutcome;
    let thrown: unknown;
    try {
      outcome = run();
    } catch (error) {
      thrown = error;
      outcome = this.#failed(error);
    }
    this.#busyMs += performance.now() - this.#busySince;
    this.#linked.finish();
    this.#tellDropped();
    if (this.#failing !== undefined && this.#failing !== thrown) this.#refusals.add(this.#failing);
    this.#failing = undefined;
    this.#refusals.end();
    // A guest that swallowed its own exit has ended all the same.
    return this.#exit === undefined ? this.#redacted(outcome) : { status: 'exit', code: this.#exit.code };
  }

  /** What it says of a fault may quote the guest. */
  #redacted<T extends object>(said: T): T {
    if (!('message' in said)) return said;
    const shown: { message?: unknown; subject?: unknown } = { ...said };
    for (const part of ['message', 'subject'] as const) {
      const text = shown[part];
      if (typeof text === 'string') shown[part] = this.#redactor.text(text, MAX_FAULT_CHARACTERS);
    }
    return shown as T;
  }

  #failed(error: unknown): CallOutcome {
    if (error instanceof GuestExit) {
      this.#exit = error;
      return { status: 'exit', code: error.code };
    }
    if (error instanceof Refusal) {
      const { kind, subject } = error;
      const message = [error.message, ...wasmFrames(error.stack ?? '')].join('\n');
      return { status: 'fault', kind, message, subject };
    }
    if (error instanceof Error && Object.hasOwn(error, 'payload') && !(error instanceof WitError)) {
      const message = describePayload((error as Error & { payload: unknown }).payload);
      return { status: 'error', message: this.#namingImport(message) };
    }
    return this.#trapped(error);
  }

  /** A script that let an import's error go by says so (cli/src/publish/javascript/entry.ts), but not whose. */
  #namingImport(message: string): string {
    const error = WitError.latest;
    if (error === undefined) return message;
    const said = `${IMPORT_ANSWERED} ${describePayload(error.payload)}`;
    const entered = enteredBy(error.stack ?? '');
    const name = entered === undefined ? undefined : this.#linked.nameOf(entered);
    const who = name === undefined ? IMPORT_ANSWERED : `${name} answered`;
    const why = error.detail === undefined ? '' : ` (${error.detail})`;
    // By a function: what was answered may have the guest's own words in it, and `$` means something in a string.
    return message.replace(said, () => `${said.replace(IMPORT_ANSWERED, () => who)}${why}`);
  }

  /** A guest whose memory is nearly at its maximum when it traps has most likely run out of it. */
  #trapped(error: unknown): CallOutcome {
    this.#linked.finish();
    const told = this.#redactor.text(describeTrap(error, this.#lastWords), MAX_FAULT_CHARACTERS);
    const used = this.memoryBytes;
    if (used > 0 && used >= this.#ceilingBytes * (7 / 8)) {
      const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);
      const message = `The guest trapped with ${mib(used)} MiB of the ${mib(this.#ceilingBytes)} MiB that it may have: ${told}`;
      return { status: 'fault', kind: 'memory-limit', message, subject: 'memoryMiB' };
    }
    return { status: 'fault', kind: 'trap', message: `The guest trapped: ${told}` };
  }

  #host(): Host {
    const { guest, grants, config, secrets } = this.#spec;
    return {
      grants,
      config,
      secrets,
      redactor: this.#redactor,
      log: (level, said) => {
        this.#pass();
        const text = this.#redactor.text(said, MAX_LINE_CHARACTERS);
        if (level === 'warn') this.#lastWords.push(text);
        if (this.#lastWords.length > MAX_LAST_WORDS) this.#lastWords.shift();
        if (!this.#budget.admits(text, performance.now())) return;
        const line = { level, text, at: Date.now() };
        this.#post({ type: 'log', guest, line, dropped: this.#budget.takeDropped() });
      },
      publish: (topic, payload) => {
        this.#pass();
        const over = this.#sending.publish(payload.length, performance.now());
        if (over === undefined) this.#post({ type: 'publish', guest, topic, payload });
        return over;
      },
      spend: (messages, bytes) => {
        this.#pass();
        const fits = this.#sending.spend(messages, bytes, performance.now()) === undefined;
        if (fits) this.#post({ type: 'spent', guest, messages, bytes });
        return fits;
      },
      used: (grant) => {
        if (this.#used.has(grant)) return;
        this.#used.add(grant);
        this.#untold.push(grant);
      },
      report: (refusal) => this.#refusals.add(refusal),
      fail: (refusal) => {
        // Whoever can be refused twice in one call has swallowed the first one.
        if (this.#failing !== undefined) this.#refusals.add(this.#failing);
        this.#failing = refusal;
        throw refusal;
      },
    };
  }

  /** Called as a service goes on: does what is done at the end of a call, once a turn is over. */
  #pass(): void {
    const { service, guest } = this.#spec;
    if (service === undefined) return;
    Atomics.store(service, 0, this.memoryBytes / PAGE_BYTES);
    const now = performance.now();
    if (now - this.#turnAt < SERVICE_TURN_MS) return;
    this.#turnAt = now;
    this.#busyMs += now - this.#busySince;
    this.#busySince = now;
    this.#sending.begin();
    this.#tellDropped();
    this.#refusals.end();
    this.#forgetUse(now);
    this.#post({ type: 'worked', guest, ...this.takeUse() });
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
