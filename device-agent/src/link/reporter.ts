/**
 * Everything that goes to the server as a numbered report, and the one place that keeps the outbox
 * bounded. What is once numbered is never dropped; so the bound is kept before numbering:
 *
 * - the end of an execution is always numbered;
 * - stages are skipped while the outbox is over its soft bound;
 * - of `apps`, only the last one waits;
 * - faults outside an execution are folded (fault-fold.ts) and carry a count, are numbered at most a
 *   few a minute, and only while the outbox is within its bound.
 *
 * On every connect everything unacknowledged is sent again, a window at a time.
 */
import {
  isoNow,
  TERMINAL_STATES,
  type Ack,
  type AppName,
  type Clock,
  type Fault,
  type Report,
  type ReportEvent,
  type Version,
} from '@wafer/protocol';
import { FaultFold } from './fault-fold.ts';
import type { Reports } from './outbox.ts';

const WINDOW = 32;
const SOFT_BOUND = 1000;
const FAULT_BURST = 4;
const FAULT_REFILL_MS = 15_000;
/** Reports that were sent and not acknowledged for so long are sent again. */
const RESEND_AFTER_MS = 15_000;

type AppsEvent = Extract<ReportEvent, { kind: 'apps' }>;

export interface ReporterOptions {
  readonly outbox: Reports;
  readonly clock: Clock;
  /** False when there is no session. */
  readonly send: (report: Report) => boolean;
  readonly onDiskError: (error: unknown) => void;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #faults = new FaultFold();
  #apps: AppsEvent['apps'] | undefined;
  #lastApps = '';
  #tokens = FAULT_BURST;
  #refilled: number;
  #sentUpTo = 0;
  #progressAt = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#refilled = options.clock.now();
  }

  /** Numbers the event and sends it; resolves when it is on disk, or rejects with the disk's error. */
  async deliver(event: ReportEvent): Promise<void> {
    try {
      await this.#options.outbox.append(event);
    } finally {
      this.pump();
    }
  }

  /** An event that may be skipped when the outbox is long, or lost with the power. */
  note(event: ReportEvent): void {
    const isEnd = event.kind === 'execution' && TERMINAL_STATES.has(event.state);
    if (isEnd || !this.#isFull) this.#background(event);
  }

  /** It happened `count` times. True when it is news, and no repeat of what is known. */
  fault(fault: Fault, app?: AppName, version?: Version, count = 1): boolean {
    const isNews = this.#faults.add({ app, version, fault }, count);
    if (isNews) this.tick();
    return isNews;
  }

  /** What the device runs; said at the start and once for each change. True when it was one. */
  apps(apps: AppsEvent['apps']): boolean {
    const text = JSON.stringify(apps);
    if (text === this.#lastApps) return false;
    this.#lastApps = text;
    this.#apps = apps;
    this.tick();
    return true;
  }

  acknowledged({ number }: Ack): void {
    if (number > this.#options.outbox.acked) this.#progressAt = this.#options.clock.now();
    this.#options.outbox.ack(number).catch(this.#options.onDiskError);
    this.#sentUpTo = Math.max(this.#sentUpTo, number);
    this.tick();
  }

  /** The session is new: nothing of what was sent before is known to have arrived. */
  connected(): void {
    this.#resend();
  }

  /** Once a second or so: merged faults, what waited for room, and what nobody acknowledged. */
  tick(): void {
    const now = this.#options.clock.now();
    if (this.#apps !== undefined && !this.#isFull) {
      this.#background({ kind: 'apps', at: isoNow(this.#options.clock), apps: this.#apps });
      this.#apps = undefined;
    }
    this.#flushFaults(now);
    const isWaiting = this.#sentUpTo > this.#options.outbox.acked;
    if (isWaiting && now - this.#progressAt > RESEND_AFTER_MS) this.#resend();
    else this.pump();
  }

  /** Sends what fits in the window. */
  pump(): void {
    const { outbox, send, clock } = this.#options;
    for (const report of outbox.pending) {
      if (report.number > outbox.acked + WINDOW) break;
      if (report.number <= this.#sentUpTo) continue;
      if (!send(report)) break;
      if (this.#sentUpTo <= outbox.acked) this.#progressAt = clock.now();
      this.#sentUpTo = report.number;
    }
  }

  #resend(): void {
    this.#sentUpTo = this.#options.outbox.acked;
    this.#progressAt = this.#options.clock.now();
    this.pump();
  }

  #flushFaults(now: number): void {
    const earned = Math.floor((now - this.#refilled) / FAULT_REFILL_MS);
    if (earned > 0) {
      this.#tokens = Math.min(FAULT_BURST, this.#tokens + earned);
      this.#refilled += earned * FAULT_REFILL_MS;
    }
    while (this.#tokens > 0 && !this.#isFull) {
      const told = this.#faults.take(now);
      if (told === undefined) return;
      const { app, version, fault, count } = told;
      this.#tokens -= 1;
      const about = { ...(app === undefined ? {} : { app }), ...(version === undefined ? {} : { version }) };
      this.#background({ kind: 'fault', at: isoNow(this.#options.clock), ...about, fault, count });
    }
  }

  #background(event: ReportEvent): void {
    this.deliver(event).catch(this.#options.onDiskError);
  }

  get #isFull(): boolean {
    return this.#options.outbox.pending.length >= SOFT_BOUND;
  }
}
