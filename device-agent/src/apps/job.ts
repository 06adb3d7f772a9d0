/**
 * A command: an instance that is created, run once, and gone. Its exit code is its health. It runs when
 * the app starts and again on every tick of the app's trigger; a tick that finds it running is passed
 * over.
 */
import { FaultError, type AppState } from '@wafer/protocol';
import type { Call } from './calls.ts';
import type { Notice, TaskEnd } from './isolate.ts';
import type { Seat, Tenant, Work } from './seat.ts';
import { nextGuest, type Image, type Outcome } from './port.ts';
import type { Resident, ResidentEvents } from './resident.ts';
import type { OpenLines } from './lines.ts';
import { heldBytes, type StorePort } from '../capabilities/keyvalue/port.ts';
import type { AppSpec } from './runtime.ts';
import type { OpenSecrets } from './unseal.ts';

/** As for reactors: setting up memories is not the guest's doing. */
const LEAST_CREATION_MS = 2000;

/** One instance, one call. */
class Run implements Tenant {
  readonly guest = nextGuest();
  readonly image: Image;
  readonly #spec: AppSpec;
  readonly #events: ResidentEvents;
  readonly #openLines: OpenLines;
  readonly #openSecrets: OpenSecrets;
  readonly #result = Promise.withResolvers<number>();
  #phase: 'cold' | 'creating' | 'created' | 'running' | 'over' = 'cold';
  memoryBytes = 0;
  stores: StorePort['signal'] | undefined;

  constructor(
    spec: AppSpec,
    image: Image,
    events: ResidentEvents,
    openLines: OpenLines,
    openSecrets: OpenSecrets,
  ) {
    this.#spec = spec;
    this.#openLines = openLines;
    this.#openSecrets = openSecrets;
    this.image = image;
    this.#events = events;
  }

  /** Its exit code; rejects with a fault. */
  get result(): Promise<number> {
    return this.#result.promise;
  }

  next(): Work | undefined {
    const { guest, image } = this;
    const { limits, grants, config } = this.#spec;
    switch (this.#phase) {
      case 'cold': {
        this.#phase = 'creating';
        const { logBytesPerMinute } = limits;
        const lines = this.#openLines(this.#spec.app, grants);
        this.stores = lines.stores?.signal;
        return {
          task: {
            type: 'create',
            guest,
            image: image.key,
            grants,
            config,
            secrets: this.#openSecrets(this.#spec),
            logBytesPerMinute,
            allowance: this.#events.allowance(),
            first: 'run',
            lines,
          },
          deadlineMs: Math.max(limits.deadlineMs, LEAST_CREATION_MS),
          firstCallMs: limits.deadlineMs,
        };
      }
      case 'created':
        this.#phase = 'running';
        return { task: { type: 'call', guest, call: { name: 'run' } }, deadlineMs: limits.deadlineMs };
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
    if (notice.type !== 'refused') return this.#events.notice(notice);
    this.#events.refused(new FaultError(notice.kind, notice.message, notice.subject), notice.count);
  }
}

export class Job implements Resident {
  readonly spec: AppSpec;
  readonly image: Image;
  readonly #seat: Seat;
  readonly #events: ResidentEvents;
  readonly #openLines: OpenLines;
  readonly #openSecrets: OpenSecrets;
  #running: Run | undefined;
  #memoryBytes = 0;
  #stores: StorePort['signal'] | undefined;
  #workDone = 0;
  #lastFailure: FaultError | undefined;
  #isStopped = false;

  constructor(
    spec: AppSpec,
    image: Image,
    seat: Seat,
    events: ResidentEvents,
    openLines: OpenLines,
    openSecrets: OpenSecrets,
  ) {
    this.spec = spec;
    this.#openLines = openLines;
    this.#openSecrets = openSecrets;
    this.image = image;
    this.#seat = seat;
    this.#events = events;
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

  /** As the last run left it. */
  get storeBytes(): number {
    return this.#stores === undefined ? 0 : heldBytes(this.#stores);
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
    if (this.#running !== undefined || this.#isStopped) return done({ status: 'returned', value: undefined });
    this.#run()
      .then(() => this.check())
      .then(
        () => done({ status: 'returned', value: undefined }),
        (fault: FaultError) => {
          done({ status: 'fault', fault, isAnswered: true });
          this.#events.fault(fault);
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
    const run = new Run(this.spec, this.image, this.#events, this.#openLines, this.#openSecrets);
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
      this.#stores = run.stores;
      this.#running = undefined;
      this.#workDone += 1;
      this.#seat.leave(run);
    }
  }
}
