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
 * What is numbered waits up to a second for others, so that the stages of a quick install go as one message
 * with its end, which is told at once. On every connect everything unacknowledged is sent again, a window
 * at a time.
 */
import {
  isoNow,
  MAX_REPORTS,
  TERMINAL_STATES,
  type Ack,
  type AppName,
  type Clock,
  type Fault,
  type ReportEvent,
  type Version,
} from '@wafer/protocol';
import { FaultFold } from './fault-fold.ts';
import type { Reports } from './outbox.ts';

/** Reports on their way, and in one message. */
const WINDOW = MAX_REPORTS;
/** Of one message; well below what a payload may have. */
const MESSAGE_BYTES = 48 * 1024;
const GATHER_MS = 1000;
/** An end takes along what follows in the same moment, such as the list of what runs now. */
const END_MS = 20;
const SOFT_BOUND = 1000;
const FAULT_BURST = 4;
const FAULT_REFILL_MS = 15_000;
/** Reports that were sent and not acknowledged for so long are sent again. */
const RESEND_AFTER_MS = 15_000;

type AppsEvent = Extract<ReportEvent, { kind: 'apps' }>;

export interface ReporterOptions {
  readonly outbox: Reports;
  readonly clock: Clock;
  /** Takes a `ReportMessage`; false when there is no session. */
  readonly send: (message: string) => boolean;
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
  #gathering: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;
  #isClosed = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#refilled = options.clock.now();
  }

  /** Numbers the event and sends it in time; resolves when it is on disk, or rejects with the disk's error. */
  async deliver(event: ReportEvent): Promise<void> {
    try {
      await this.#options.outbox.append(event);
    } finally {
      this.#gather(isEnd(event) ? END_MS : GATHER_MS);
    }
  }

  /** An event that may be skipped when the outbox is long, or lost with the power. */
  note(event: ReportEvent): void {
    if (isEnd(event) || !this.#isFull) this.deliver(event).catch(this.#options.onDiskError);
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
    this.#gather(GATHER_MS);
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
    const isNumbering = this.#number([...this.#takeApps(), ...this.#takeFaults(now)]);
    const isWaiting = this.#sentUpTo > this.#options.outbox.acked;
    if (isWaiting && now - this.#progressAt > RESEND_AFTER_MS) this.#resend();
    else if (!isNumbering) this.pump();
  }

  /** Sends what fits in the window. */
  pump(): void {
    clearTimeout(this.#gathering?.timer);
    this.#gathering = undefined;
    const { outbox, send, clock } = this.#options;
    for (const { text, last } of messages(outbox.pending, this.#sentUpTo, outbox.acked + WINDOW)) {
      if (!send(text)) break;
      if (this.#sentUpTo <= outbox.acked) this.#progressAt = clock.now();
      this.#sentUpTo = last;
    }
  }

  /** Sends what fits once more. What comes later is numbered, and sent after the next start. */
  close(): void {
    this.pump();
    this.#isClosed = true;
  }

  #resend(): void {
    this.#sentUpTo = this.#options.outbox.acked;
    this.#progressAt = this.#options.clock.now();
    this.pump();
  }

  *#takeApps(): Generator<ReportEvent> {
    if (this.#apps === undefined || this.#isFull) return;
    yield { kind: 'apps', at: isoNow(this.#options.clock), apps: this.#apps };
    this.#apps = undefined;
  }

  *#takeFaults(now: number): Generator<ReportEvent> {
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
      yield { kind: 'fault', at: isoNow(this.#options.clock), ...about, fault, count };
    }
  }

  /** Sends them, and what waits, once they are on disk. False when there are none. */
  #number(events: readonly ReportEvent[]): boolean {
    if (events.length === 0) return false;
    const { outbox, onDiskError } = this.#options;
    const numbered = events.map((event) => outbox.append(event).catch(onDiskError));
    void Promise.all(numbered).then(() => this.pump());
    return true;
  }

  #gather(ms: number): void {
    if (this.#isClosed) return;
    const at = performance.now() + ms;
    if (this.#gathering !== undefined && this.#gathering.at <= at) return;
    clearTimeout(this.#gathering?.timer);
    this.#gathering = { at, timer: setTimeout(() => this.tick(), ms).unref() };
  }

  get #isFull(): boolean {
    return this.#options.outbox.pending.length >= SOFT_BOUND;
  }
}

const isEnd = (event: ReportEvent): boolean => event.kind === 'execution' && TERMINAL_STATES.has(event.state);

/** Of the reports over `after`, up to number `until`; `last` is the number of a message's last one. */
function* messages(
  pending: Reports['pending'],
  after: number,
  until: number,
): Generator<{ text: string; last: number }> {
  let texts: string[] = [];
  let length = 0;
  let last = after;
  for (const report of pending) {
    if (report.number > until) break;
    if (report.number <= after) continue;
    const text = JSON.stringify(report);
    if (texts.length > 0 && length + text.length > MESSAGE_BYTES) {
      yield { text: messageOf(texts), last };
      texts = [];
      length = 0;
    }
    texts.push(text);
    length += text.length;
    ({ number: last } = report);
  }
  if (texts.length > 0) yield { text: messageOf(texts), last };
}

const messageOf = (texts: readonly string[]): string =>
  texts.length === 1 ? texts[0]! : `{"reports":[${texts.join(',')}]}`;
