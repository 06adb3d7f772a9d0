/**
 * One running instance of a guest, from creation to its end. It asks its seat for turns: to be created,
 * to be started, then to be called, one call at a time.
 *
 * An instance that faults after it has lived is made anew, at once at first and then at growing
 * intervals. An instance that was evicted (its isolate ended by a neighbour) is made anew at once, and
 * its waiting calls are answered late.
 */
import { FaultError, type AppState, type FaultKind } from '@wafer/protocol';
import { Calls, type Answer, type Call } from './calls.ts';
import type { Notice, TaskEnd } from './isolate.ts';
import { pauseAfter } from './pause.ts';
import type { Seat, Tenant, Work } from './seat.ts';
import {
  exportedAs,
  nextGuest,
  type CallOutcome,
  type Exported,
  type GuestCall,
  type GuestId,
  type Image,
  type Outcome,
} from './port.ts';
import type { Resident, ResidentEvents } from './resident.ts';
import type { OpenLines } from './lines.ts';
import { heldBytes, type StorePort } from '../capabilities/keyvalue/port.ts';
import type { AppSpec } from './runtime.ts';
import type { OpenSecrets } from './unseal.ts';

/** Creation includes what the engine does to set up memories, which slow boards take longer for. */
const LEAST_CREATION_MS = 2000;

type Phase = 'cold' | 'creating' | 'created' | 'starting' | 'live' | 'resting' | 'gone';

const faultOf = (kind: FaultKind, message: string): FaultError => new FaultError(kind, message);

export class Instance implements Tenant, Resident {
  readonly spec: AppSpec;
  readonly image: Image;
  readonly #seat: Seat;
  readonly #events: ResidentEvents;
  readonly #calls: Calls;
  readonly #now: () => number;
  readonly #openLines: OpenLines;
  readonly #openSecrets: OpenSecrets;
  #guest = nextGuest();
  #phase: Phase = 'cold';
  /** What the release was signed to export: nothing else is ever called. */
  readonly #declared: ReadonlySet<Exported | undefined>;
  #exports: ReadonlySet<Exported> = new Set();
  #current: Call | undefined;
  #memoryBytes = 0;
  #deaths = 0;
  #hasLived = false;
  #restUntil = 0;
  #lastFault: FaultError | undefined;
  #onLive: PromiseWithResolvers<void> = Promise.withResolvers();
  #onIdle: (() => void)[] = [];
  #workDone = 0;
  #heldBytes: StorePort['signal'] | undefined;

  constructor(
    spec: AppSpec,
    image: Image,
    seat: Seat,
    events: ResidentEvents,
    now: () => number,
    openLines: OpenLines,
    openSecrets: OpenSecrets,
  ) {
    this.spec = spec;
    this.#openLines = openLines;
    this.#openSecrets = openSecrets;
    this.image = image;
    this.#seat = seat;
    this.#events = events;
    this.#now = now;
    this.#declared = new Set(spec.exports.map(exportedAs));
    this.#calls = new Calls({
      limits: spec.limits,
      now,
      onOver: (fault) => events.refused(fault, 1),
    });
    this.#onLive.promise.catch(() => undefined);
  }

  get guest(): GuestId {
    return this.#guest;
  }

  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  get storeBytes(): number {
    return this.#heldBytes === undefined ? 0 : heldBytes(this.#heldBytes);
  }

  takeMostWaiting(): number {
    return this.#calls.takeMostWaiting();
  }

  /** Messages and ticks that it has finished; tells whether its state may have changed. */
  get workDone(): number {
    return this.#workDone;
  }

  get isBusy(): boolean {
    return this.#current !== undefined;
  }

  get state(): AppState {
    if (this.#phase === 'resting') return 'failed';
    return this.#hasLived ? 'running' : 'starting';
  }

  has(exported: Exported): boolean {
    return this.#exports.has(exported);
  }

  /** Creates and starts it. Rejects with the fault that prevented it; the instance is gone then. */
  start(): Promise<void> {
    this.#seat.move(this);
    return this.#onLive.promise;
  }

  /** Adds a call; `done` is called exactly once. */
  enqueue(call: Call): void {
    if (this.#phase === 'gone')
      return this.#refuse(call, 'The app was stopped before the call could be made.');
    if (this.#phase === 'resting') {
      const last = this.#lastFault?.message ?? 'no reason known';
      return this.#refuse(call, `The guest failed ${this.#deaths} times in a row; the last time: ${last}`);
    }
    this.#calls.add(call);
    this.#seat.wake(this);
  }

  /** One control call, for its value. Rejects with the guest's fault. */
  ask(call: GuestCall): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      const done = (answer: Answer): void =>
        answer.status === 'returned' ? resolve(answer.value) : reject(answer.fault);
      this.enqueue({ call, isControl: true, done });
    });
  }

  /** Asks its health; one without that export is healthy while it lives. */
  async check(): Promise<void> {
    if (this.#phase === 'live' && !this.has('health')) return;
    await this.ask({ name: 'check' });
  }

  hold(): void {
    this.#calls.isHeld = true;
  }

  resume(): void {
    this.#calls.isHeld = false;
    this.#seat.wake(this);
  }

  takeWork(): Call[] {
    return this.#calls.takeWork();
  }

  adopt(work: readonly Call[]): void {
    this.#calls.putFirst(work);
    // Taking calls over is done; making the first of them is not part of it.
    queueMicrotask(() => this.#seat.wake(this));
  }

  /** Resolves when no call is running in it. */
  idle(): Promise<void> {
    if (this.#current === undefined) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** Lets it finish its call, tells it to stop, and gives up its place. Never rejects. */
  async stop(): Promise<void> {
    if (this.#phase === 'gone') return;
    this.hold();
    await this.idle();
    if (this.#phase === 'live' && this.has('lifecycle'))
      await this.ask({ name: 'stop' }).catch(() => undefined);
    this.discard(faultOf('unhealthy', 'The app was stopped before the call could be made.'));
  }

  /** Gives up its place at once; waiting calls are turned away with `fault`. */
  discard(fault: FaultError): void {
    this.#phase = 'gone';
    this.#seat.leave(this);
    this.#calls.refuse(fault);
    this.#onLive.reject(fault);
  }

  // Tenant -------------------------------------------------------------------------------------

  next(now: number): Work | number | undefined {
    const { limits, grants, config } = this.spec;
    switch (this.#phase) {
      case 'resting':
        if (now < this.#restUntil) return this.#restUntil - now;
        this.#phase = 'cold';
        return this.next(now);
      case 'cold': {
        this.#phase = 'creating';
        const { logBytesPerMinute } = limits;
        const image = this.image.key;
        const first = this.#declared.has('lifecycle') ? 'start' : undefined;
        const lines = this.#openLines(this.spec.app, grants);
        this.#heldBytes = lines.stores?.signal;
        return {
          task: {
            type: 'create',
            guest: this.#guest,
            image,
            grants,
            config,
            secrets: this.#openSecrets(this.spec),
            logBytesPerMinute,
            allowance: this.#events.allowance(),
            first,
            lines,
          },
          deadlineMs: Math.max(limits.deadlineMs, LEAST_CREATION_MS),
          firstCallMs: limits.deadlineMs,
        };
      }
      case 'created':
        this.#phase = 'starting';
        return this.#work({ name: 'start' });
      case 'live': {
        const call = this.#calls.next(now);
        if (typeof call !== 'object') return call;
        this.#current = call;
        return this.#work(call.call);
      }
      case 'creating':
      case 'starting':
      case 'gone':
        return undefined;
    }
  }

  ended(end: TaskEnd): void {
    this.#events.worked(end.busyMs, end.type === 'done' ? (end.used ?? []) : []);
    if (this.#phase === 'gone') return this.#settleCurrent(this.#lost());
    if (end.type === 'isolate-ended') return this.#fell(end.fault);
    this.#memoryBytes = end.memoryBytes;
    this.#came(end.outcome);
  }

  #came(outcome: Outcome): void {
    switch (outcome.status) {
      case 'created':
        this.#exports = new Set(outcome.exports.filter((name) => this.#declared.has(name)));
        return this.#created(outcome.first);
      case 'returned':
        if (this.#phase === 'starting') return this.#lives();
        this.#deaths = 0;
        return this.#settleCurrent({ status: 'returned', value: outcome.value });
      case 'error':
        return this.#refused(outcome.message);
      case 'exit':
      case 'fault':
        this.#seat.drop(this.#guest);
        return this.#fell(this.#faultOf(outcome));
    }
  }

  evicted(): void {
    if (this.#phase === 'gone' || this.#phase === 'resting') return;
    this.#guest = nextGuest();
    this.#phase = 'cold';
  }

  abandon(fault: FaultError): void {
    this.discard(fault);
    this.#settleCurrent({ status: 'fault', fault, isAnswered: false });
  }

  heard(notice: Notice): void {
    if (notice.type !== 'refused') return this.#events.notice(notice);
    this.#events.refused(new FaultError(notice.kind, notice.message, notice.subject), notice.count);
  }

  // How it goes on -----------------------------------------------------------------------------

  #work(call: GuestCall): Work {
    return {
      task: { type: 'call', guest: this.#guest, call },
      deadlineMs: this.spec.limits.deadlineMs,
    };
  }

  #created(started: CallOutcome | undefined): void {
    if (!this.has('lifecycle')) return this.#lives();
    this.#phase = started === undefined ? 'created' : 'starting';
    if (started !== undefined) this.#came(started);
  }

  #lives(): void {
    this.#phase = 'live';
    this.#hasLived = true;
    this.#onLive.resolve();
  }

  /** It answered an error: it lives, unless it refused to start. */
  #refused(message: string): void {
    if (this.#phase !== 'live') {
      return this.#fell(faultOf('trap', `The guest refused to start: ${message}`));
    }
    this.#deaths = 0;
    const name = this.#current?.call.name;
    const fault =
      name === 'check'
        ? faultOf('probe-failed', `The guest's health check says: ${message}`)
        : faultOf('trap', `The guest's ${name} answered an error: ${message}`);
    this.#settleCurrent({ status: 'fault', fault, isAnswered: true });
    if (name === 'handle' || name === 'tick') this.#events.fault(fault);
  }

  #faultOf(outcome: Extract<Outcome, { status: 'exit' | 'fault' }>): FaultError {
    if (outcome.status === 'fault') return new FaultError(outcome.kind, outcome.message, outcome.subject);
    return new FaultError(
      'trap',
      `The guest ended itself with exit code ${outcome.code}.`,
      `exit ${outcome.code}`,
    );
  }

  /** The instance is finished. One that has lived is made anew. */
  #fell(fault: FaultError): void {
    const call = this.#current?.call.name;
    const named =
      call === undefined
        ? fault
        : new FaultError(fault.fault.kind, `In ${call}: ${fault.message}`, fault.fault.subject);
    this.#guest = nextGuest();
    this.#memoryBytes = 0;
    this.#lastFault = named;
    this.#deaths += 1;
    const pauseMs = pauseAfter(this.#deaths);
    this.#restUntil = this.#now() + pauseMs;
    if (!this.#hasLived) this.discard(named);
    else this.#phase = pauseMs > 0 ? 'resting' : 'cold';
    this.#settleCurrent({ status: 'fault', fault: named, isAnswered: true });
    if (this.#phase === 'resting') {
      this.#calls.refuse(
        faultOf('crash-loop', `The guest failed ${this.#deaths} times in a row: ${named.message}`),
      );
    }
    this.#events.fault(named);
  }

  #settleCurrent(answer: Answer): void {
    const call = this.#current;
    this.#current = undefined;
    if (call !== undefined && !call.isControl) this.#workDone += 1;
    call?.done(answer);
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #lost(): Answer {
    const fault = faultOf('unhealthy', 'The app was stopped while the call ran.');
    return { status: 'fault', fault, isAnswered: false };
  }

  #refuse(call: Call, message: string): void {
    const kind = this.#phase === 'resting' ? 'crash-loop' : 'unhealthy';
    call.done({ status: 'fault', fault: faultOf(kind, message), isAnswered: false });
  }
}
