/**
 * The books of one app: what its residents tell is counted here and handed on. They outlive instances and
 * releases, but for the figures of the one that serves, which begin anew with it.
 */
import { performance } from 'node:perf_hooks';
import { FaultError, speaksAgainstRelease, type AppHealth, type AppName } from '@wafer/protocol';
import type { Answer } from './calls.ts';
import { Figures } from './figures.ts';
import { Latency } from './latency.ts';
import { LogBudget } from './log-budget.ts';
import { Outgoing } from './outgoing.ts';
import type { Resident, ResidentEvents } from './resident.ts';
import type { AppSpec, ReleaseFigures, RuntimeEvents } from './runtime.ts';
import { UsageBook } from './usage.ts';

export interface BooksOptions {
  readonly name: AppName;
  readonly events: RuntimeEvents;
  /** Hands a message to the other guests of the board. */
  readonly toBoard: (from: AppName, topic: string, payload: Uint8Array) => void;
}

type OwnNotice = Parameters<ResidentEvents['notice']>[0];

const now = (): number => performance.now();

export class Books {
  readonly #options: BooksOptions;
  readonly #latency = new Latency();
  readonly #budget = new LogBudget();
  readonly #outgoing = new Outgoing();
  readonly #usage = new UsageBook();
  /** Of the release that serves. */
  #figures = new Figures(0);
  #calls = 0;
  #faults = 0;
  #lost = 0;

  constructor(options: BooksOptions) {
    this.#options = options;
  }

  /** Calls that no instance had to do with, so far. */
  get lost(): number {
    return this.#lost;
  }

  /** Another release serves, or none. */
  begin(soakMs: number): void {
    this.#figures = new Figures(soakMs);
  }

  read({ spec, workBytes }: Resident): ReleaseFigures {
    return { version: spec.version, memoryBytes: workBytes, ...this.#figures.read(now()) };
  }

  /** What is told once is not told again. */
  take(serving: Resident): Pick<AppHealth, 'calls' | 'faults' | 'latencyMs' | 'usage'> {
    const latencyMs = this.#latency.take();
    return {
      calls: this.#calls,
      faults: this.#faults,
      ...(latencyMs === undefined ? {} : { latencyMs }),
      usage: this.#usage.take({ queued: serving.takeMostWaiting(), storeBytes: serving.storeBytes }),
    };
  }

  /** A call begins; answers what to call with its answer. */
  called(): (answer: Answer) => void {
    const started = now();
    this.#calls += 1;
    return (answer) => {
      const ended = now();
      this.#latency.add(ended - started);
      this.#figures.call(ended - started, ended);
      if (answer.status === 'fault' && !answer.isAnswered) this.#lost += 1;
    };
  }

  probeFailed(): void {
    this.#faults += 1;
  }

  used(grants: readonly string[]): void {
    if (grants.length > 0) this.#options.events.used(this.#options.name, grants);
  }

  /** It counts among the faults where it speaks against the release: limits alone do not. */
  refused({ version }: AppSpec, { fault }: FaultError, count: number): void {
    if (fault.kind === 'capability-denied') this.#usage.denied(count);
    if (speaksAgainstRelease(fault)) this.#faults += count;
    this.#options.events.fault(this.#options.name, version, fault, count);
  }

  /** What a resident tells about itself; faults count as long as it serves. */
  listener(spec: AppSpec, isServing: () => boolean): ResidentEvents {
    return {
      fault: (fault) => {
        if (fault.fault.kind === 'capability-denied') this.#usage.denied(1);
        if (!isServing()) return;
        this.#failed();
        this.#options.events.fault(this.#options.name, spec.version, fault.fault, 1);
      },
      repeated: () => {
        if (isServing()) this.#failed();
      },
      refused: (fault, count) => {
        this.refused(spec, fault, count);
        if (isServing() && speaksAgainstRelease(fault.fault)) this.#figures.fault(now(), count);
      },
      notice: (notice) => this.#heard(spec, notice),
      worked: (busyMs, grants) => {
        this.#usage.worked(busyMs);
        this.used(grants);
      },
      allowance: () => this.#outgoing.allowance(spec.limits, now()),
    };
  }

  #failed(): void {
    this.#faults += 1;
    this.#figures.fault(now());
  }

  #heard(spec: AppSpec, notice: OwnNotice): void {
    const { name, events, toBoard } = this.#options;
    switch (notice.type) {
      case 'publish':
        this.#sent(1, notice.payload.length);
        if (notice.topic.startsWith('$')) toBoard(name, notice.topic, notice.payload);
        else events.publish(name, notice.topic, notice.payload);
        return;
      case 'spent':
        this.#sent(notice.messages, notice.bytes);
        return;
      case 'log':
        this.#logged(spec, notice);
    }
  }

  #sent(messages: number, bytes: number): void {
    this.#outgoing.book(messages, bytes, now());
    this.#usage.sent(messages, bytes);
  }

  #logged(spec: AppSpec, notice: Extract<OwnNotice, { type: 'log' }>): void {
    const budget = this.#budget;
    const { logBytesPerMinute } = spec.limits;
    budget.bytesPerMinute = logBytesPerMinute;
    budget.countDropped(notice.dropped);
    const lines = notice.line !== undefined && budget.admits(notice.line.text, now()) ? [notice.line] : [];
    for (const { text } of lines) this.#usage.logged(LogBudget.bytesOf(text));
    const dropped = budget.takeDropped();
    if (lines.length > 0 || dropped > 0) this.#options.events.log(this.#options.name, lines, dropped);
    if (dropped === 0) return;
    const message = `The guest logged more than ${logBytesPerMinute} bytes in a minute; lines were dropped.`;
    this.refused(spec, new FaultError('log-limit', message, 'logBytesPerMinute'), dropped);
  }
}
