/**
 * A command: an instance that is created, run once, and gone. Its exit code is its health. It runs when
 * the app starts and again on every tick of the app's trigger; a tick that finds it running is passed
 * over. One that fails again and again is run ever more slowly: ticks that find it resting are passed over
 * as well.
 */
import { FaultError, type AppState } from '@wafer/protocol';
import type { Call } from './calls.ts';
import { Creation, type Surroundings } from './creation.ts';
import type { Notice, TaskEnd } from './isolate.ts';
import { Falls } from './pause.ts';
import type { Seat, Tenant, Work } from './seat.ts';
import { nextGuest, type Image, type Outcome } from './port.ts';
import type { CrashLoop, Resident, ResidentEvents } from './resident.ts';
import type { AppSpec } from './runtime.ts';

/** One instance, one call. */
class Run implements Tenant {
  readonly guest = nextGuest();
  readonly image: Image;
  readonly #spec: AppSpec;
  readonly #events: ResidentEvents;
  readonly #creation: Creation;
  readonly #result = Promise.withResolvers<number>();
  #phase: 'cold' | 'creating' | 'created' | 'running' | 'over' = 'cold';
  memoryBytes = 0;

  constructor(spec: AppSpec, image: Image, events: ResidentEvents, creation: Creation) {
    this.#spec = spec;
    this.image = image;
    this.#events = events;
    this.#creation = creation;
  }

  /** Its exit code; rejects with a fault. */
  get result(): Promise<number> {
    return this.#result.promise;
  }

  next(): Work | undefined {
    const { guest } = this;
    switch (this.#phase) {
      case 'cold':
        this.#phase = 'creating';
        return this.#creation.work(guest, 'run');
      case 'created':
        this.#phase = 'running';
        return {
          task: { type: 'call', guest, call: { name: 'run' } },
          deadlineMs: this.#spec.limits.deadlineMs,
        };
      case 'creating':
      case 'running':
      case 'over':
        return undefined;
    }
  }

  ended(end: TaskEnd): void {
    this.#events.worked(end.busyMs, end.type === 'done' ? (end.used ?? []) : []);
    if (end.type === 'isolate-ended') return this.#fail(end.fault);
    this.memoryBytes = end.memoryBytes;
    this.#came(end.outcome);
  }

  #came(outcome: Outcome): void {
    switch (outcome.status) {
      case 'created':
        this.#phase = 'created';
        if (outcome.first !== undefined) this.#came(outcome.first);
        return;
      case 'returned':
        return this.#finish(0);
      case 'error':
        return this.#finish(1);
      case 'exit':
        return this.#finish(outcome.code);
      case 'fault':
        return this.#fail(new FaultError(outcome.kind, outcome.message, outcome.subject));
    }
  }

  #finish(code: number): void {
    this.#phase = 'over';
    this.#result.resolve(code);
  }

  abandon(fault: FaultError): void {
    this.#fail(fault);
  }

  #fail(fault: FaultError): void {
    this.#phase = 'over';
    this.#result.reject(fault);
  }

  /** It never runs twice over because of a neighbour: what it has done cannot be taken back. */
  evicted(): void {
    if (this.#phase === 'creating' || this.#phase === 'created') this.#phase = 'cold';
  }

  heard(notice: Notice): void {
    this.#creation.heard(notice);
  }
}

export class Job implements Resident {
  readonly spec: AppSpec;
  readonly image: Image;
  readonly #seat: Seat;
  readonly #events: ResidentEvents;
  readonly #now: () => number;
  readonly #creation: Creation;
  readonly #falls = new Falls();
  #running: Run | undefined;
  #memoryBytes = 0;
  #workDone = 0;
  #lastFailure: FaultError | undefined;
  #isStopped = false;

  constructor(spec: AppSpec, image: Image, seat: Seat, events: ResidentEvents, surroundings: Surroundings) {
    this.spec = spec;
    this.image = image;
    this.#seat = seat;
    this.#events = events;
    this.#now = surroundings.now;
    this.#creation = new Creation(spec, image, events, surroundings);
  }

  get crashLoop(): CrashLoop | undefined {
    return this.#falls.crashLoop(this.#now());
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  get state(): AppState {
    if (this.#running !== undefined) return 'running';
    return this.#lastFailure === undefined ? 'stopped' : 'failed';
  }

  /** Of the last run: nothing of it is held when it is over. */
  get memoryBytes(): number {
    return this.#running === undefined ? 0 : this.#memoryBytes;
  }

  get workBytes(): number {
    return this.#memoryBytes;
  }

  /** As the last run left it. */
  get storeBytes(): number {
    return this.#creation.storeBytes;
  }

  /** A tick that finds it running is passed over. */
  takeMostWaiting(): number {
    return 0;
  }

  get workDone(): number {
    return this.#workDone;
  }

  has(): boolean {
    return false;
  }

  async start(): Promise<void> {
    await this.#run();
  }

  check(): Promise<void> {
    return this.#lastFailure === undefined ? Promise.resolve() : Promise.reject(this.#lastFailure);
  }

  ask(): Promise<never> {
    return Promise.reject(new FaultError('incompatible', 'A command exports nothing to be called.'));
  }

  /** A tick runs it again; anything else it can not take. */
  enqueue({ call, done }: Call): void {
    if (call.name !== 'tick') {
      const fault = new FaultError('incompatible', 'The app is a command: it takes no messages.');
      return done({ status: 'fault', fault, isAnswered: false });
    }
    const isResting = this.#now() < this.#falls.restUntil;
    if (this.#running !== undefined || this.#isStopped || isResting) {
      return done({ status: 'returned', value: undefined });
    }
    this.#run()
      .then(() => this.check())
      .then(
        () => {
          this.#falls.rose();
          done({ status: 'returned', value: undefined });
        },
        (fault: FaultError) => {
          done({ status: 'fault', fault, isAnswered: true });
          this.#falls.fell(this.#now());
          this.#falls.tell(fault, this.#events);
        },
      );
  }

  hold(): void {
    // Nothing waits for a command.
  }

  resume(): void {
    // Nothing waits for a command.
  }

  takeWork(): [] {
    return [];
  }

  adopt(work: readonly Call[]): void {
    for (const call of work) this.enqueue(call);
  }

  async idle(): Promise<void> {
    await this.#running?.result.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.idle();
  }

  /** Rejects when it trapped or was ended; an exit code is told by `check`. */
  async #run(): Promise<void> {
    const run = new Run(this.spec, this.image, this.#events, this.#creation);
    this.#running = run;
    this.#seat.move(run);
    try {
      const code = await run.result;
      this.#lastFailure =
        code === 0
          ? undefined
          : new FaultError('probe-failed', `The command ended with exit code ${code}.`, `exit ${code}`);
    } catch (error) {
      if (error instanceof FaultError) this.#lastFailure = error;
      throw error;
    } finally {
      this.#memoryBytes = run.memoryBytes;
      this.#running = undefined;
      this.#workDone += 1;
      this.#seat.leave(run);
    }
  }
}
