/**
 * One running instance of a guest, from creation to its end. It asks its seat for turns: to be created,
 * to be started, then to be called, one call at a time.
 *
 * An instance that faults after it has lived is made anew, at once at first and then at growing
 * intervals. An instance that was evicted (its isolate ended by a neighbour) is made anew at once with the
 * state that was noted last, and its waiting calls are answered late.
 */
import type { AppState, FaultError } from '@wafer/protocol';
import { Calls, type Answer, type Call } from './calls.ts';
import { Creation, type Surroundings } from './creation.ts';
import type { Notice, TaskEnd } from './isolate.ts';
import { answeredError, faultOf, inCall, whyItFell } from './outcomes.ts';
import { Falls } from './pause.ts';
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
import type { CrashLoop, Resident, ResidentEvents } from './resident.ts';
import type { AppSpec } from './runtime.ts';

/** Larger states are not noted between swaps, bytes. */
const MAX_SNAPSHOT_BYTES = 1024 * 1024;

type Phase =
  'cold' | 'creating' | 'created' | 'starting' | 'restorable' | 'restoring' | 'live' | 'resting' | 'gone';

export class Instance implements Tenant, Resident {
  readonly spec: AppSpec;
  readonly image: Image;
  readonly #seat: Seat;
  readonly #events: ResidentEvents;
  readonly #calls: Calls;
  readonly #now: () => number;
  readonly #creation: Creation;
  #guest = nextGuest();
  #phase: Phase = 'cold';
  /** What the release was signed to export: nothing else is ever called. */
  readonly #declared: ReadonlySet<Exported | undefined>;
  #exports: ReadonlySet<Exported> = new Set();
  #current: Call | undefined;
  #memoryBytes = 0;
  readonly #falls = new Falls();
  /** The call that it failed in last. */
  #fellIn: GuestCall['name'] | undefined;
  #hasLived = false;
  #lastFault: FaultError | undefined;
  #onLive: PromiseWithResolvers<void> = Promise.withResolvers();
  #onIdle: (() => void)[] = [];
  #workDone = 0;
  /** The state that it has again after an eviction, and how much work it had done then. */
  #snapshot: Uint8Array | undefined;
  #savedAt = 0;
  #isSaveBroken = false;

  constructor(spec: AppSpec, image: Image, seat: Seat, events: ResidentEvents, surroundings: Surroundings) {
    this.spec = spec;
    this.image = image;
    this.#seat = seat;
    this.#events = events;
    this.#now = surroundings.now;
    this.#creation = new Creation(spec, image, events, surroundings);
    this.#declared = new Set(spec.exports.map(exportedAs));
    this.#calls = new Calls({
      limits: spec.limits,
      now: surroundings.now,
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
    return this.#creation.storeBytes;
  }

  takeMostWaiting(): number {
    return this.#calls.takeMostWaiting();
  }

  get workBytes(): number {
    return this.#memoryBytes;
  }

  /** Messages and ticks that it has finished; tells whether its state may have changed. */
  get workDone(): number {
    return this.#workDone;
  }

  get crashLoop(): CrashLoop | undefined {
    return this.#falls.crashLoop(this.#now());
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
      return this.#refuse(
        call,
        `The guest failed ${this.#falls.inARow} times in a row; the last time: ${last}`,
      );
    }
    this.#calls.add(call);
    this.#seat.wake(this);
  }

  /** One control call, for its value. Rejects with the guest's fault. */
  ask(call: GuestCall): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      const done = (answer: Answer): void => {
        if (answer.status === 'fault') return reject(answer.fault);
        if (call.name === 'restore') this.#note(call.snapshot);
        if (call.name === 'save' && answer.value !== undefined) this.#note(answer.value);
        resolve(answer.value);
      };
      this.enqueue({ call, isControl: true, done });
    });
  }

  /** Asks its health; one without that export is healthy while it lives. */
  async check(): Promise<void> {
    if (this.#phase === 'live' && !this.has('health')) return;
    await this.ask({ name: 'check' });
  }

  /** One whose `save` failed is not asked again for this. */
  keepSnapshot(): void {
    if (this.#phase !== 'live' || !this.has('state') || this.#isSaveBroken) return;
    // Without neighbours nobody can cost it its isolate, and what has not changed is noted already.
    if (this.#seat.occupancy < 2 || this.#savedAt === this.#workDone) return;
    this.ask({ name: 'save' }).catch(() => (this.#isSaveBroken = true));
  }

  #note(snapshot: Uint8Array): void {
    this.#snapshot = snapshot.length > MAX_SNAPSHOT_BYTES && this.#workDone > 0 ? undefined : snapshot;
    this.#savedAt = this.#workDone;
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
    switch (this.#phase) {
      case 'resting':
        if (now < this.#falls.restUntil) return this.#falls.restUntil - now;
        this.#phase = 'cold';
        return this.next(now);
      case 'cold':
        this.#phase = 'creating';
        return this.#creation.work(this.#guest, this.#declared.has('lifecycle') ? 'start' : undefined);
      case 'created':
        this.#phase = 'starting';
        return this.#work({ name: 'start' });
      case 'restorable':
        this.#phase = 'restoring';
        return this.#work({ name: 'restore', snapshot: this.#snapshot! });
      case 'live': {
        const call = this.#calls.next(now);
        if (typeof call !== 'object') return call;
        this.#current = call;
        // Asked while it was made anew: one without that export is healthy while it lives.
        if (call.call.name === 'check' && !this.has('health')) {
          this.#settleCurrent({ status: 'returned', value: undefined });
          return this.next(now);
        }
        return this.#work(call.call);
      }
      case 'creating':
      case 'starting':
      case 'restoring':
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
        if (this.#phase === 'starting') return this.#started();
        if (this.#phase === 'restoring') return this.#lives();
        this.#answered();
        return this.#settleCurrent({ status: 'returned', value: outcome.value });
      case 'error':
        return this.#refused(outcome.message);
      case 'exit':
      case 'fault':
        this.#seat.drop(this.#guest);
        return this.#fell(whyItFell(outcome));
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
    this.#creation.heard(notice);
  }

  // How it goes on -----------------------------------------------------------------------------

  #work(call: GuestCall): Work {
    return {
      task: { type: 'call', guest: this.#guest, call },
      deadlineMs: this.spec.limits.deadlineMs,
    };
  }

  #created(started: CallOutcome | undefined): void {
    if (!this.has('lifecycle')) return this.#started();
    this.#phase = started === undefined ? 'created' : 'starting';
    if (started !== undefined) this.#came(started);
  }

  #started(): void {
    if (this.#snapshot !== undefined && this.has('state')) this.#phase = 'restorable';
    else this.#lives();
  }

  #lives(): void {
    this.#phase = 'live';
    this.#hasLived = true;
    this.#onLive.resolve();
  }

  /** It answered an error: it lives, unless it refused to start. */
  #refused(message: string): void {
    if (this.#phase !== 'live') {
      const what = this.#phase === 'restoring' ? 'have its state back' : 'start';
      this.#seat.drop(this.#guest);
      return this.#fell(faultOf('trap', `The guest refused to ${what}: ${message}`));
    }
    this.#answered();
    const name = this.#current?.call.name;
    const fault = answeredError(name, message);
    this.#settleCurrent({ status: 'fault', fault, isAnswered: true });
    if (name === 'handle' || name === 'tick') this.#events.fault(fault);
  }

  /** The instance is finished. One that has lived is made anew. */
  #fell(fault: FaultError): void {
    const call = this.#current?.call.name;
    const named = inCall(call, fault);
    this.#guest = nextGuest();
    this.#memoryBytes = 0;
    // What it failed with is not what it begins anew with.
    this.#snapshot = undefined;
    this.#lastFault = named;
    this.#fellIn = call;
    const pauseMs = this.#falls.fell(this.#now());
    if (!this.#hasLived) this.discard(named);
    else this.#phase = pauseMs > 0 ? 'resting' : 'cold';
    this.#settleCurrent({ status: 'fault', fault: named, isAnswered: true });
    if (this.#phase === 'resting') {
      this.#calls.refuse(
        faultOf('crash-loop', `The guest failed ${this.#falls.inARow} times in a row: ${named.message}`),
      );
    }
    if (this.#hasLived) this.#falls.tell(named, this.#events);
    else this.#events.fault(named);
  }

  /** A probe that succeeds does not end a row of ticks that fail. */
  #answered(): void {
    const call = this.#current;
    if (call === undefined) return;
    if (!call.isControl || call.call.name === this.#fellIn) this.#falls.rose();
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
