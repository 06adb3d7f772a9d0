/**
 * A service: a command that is to keep running. It has an isolate of its own and no deadline: waiting
 * blocks nobody but itself, and what it logs and sends flows while it runs. It is healthy while it runs.
 * When it ends, by whatever exit code or trap, that is a fault and it is run again, at once at first and
 * then ever more slowly. It is stopped by ending its isolate: a program in `main` has no other way to be
 * told.
 *
 * After a swap the one that served before is ended, lest two of them work at a time; it is run again if
 * the new one has to go back.
 */
import { FaultError, type AppState } from '@wafer/protocol';
import type { Call } from './calls.ts';
import { Creation, type Surroundings } from './creation.ts';
import type { Notice, TaskEnd } from './isolate.ts';
import { Falls } from './pause.ts';
import type { Seat, Tenant, Work } from './seat.ts';
import { nextGuest, type GuestId, type Image, type Outcome } from './port.ts';
import type { CrashLoop, Resident, ResidentEvents } from './resident.ts';
import type { AppSpec } from './runtime.ts';

const PAGE_BYTES = 65_536;

/** One that runs for so long has started. */
const ALIVE_AFTER_MS = 250;

/** One that ran for so long before it ended did not end because of what ended the one before. */
const STEADY_AFTER_MS = 60_000;

type Phase = 'cold' | 'creating' | 'created' | 'running' | 'resting' | 'parked' | 'gone';

const stopped = (): FaultError => new FaultError('unhealthy', 'The service was stopped.');

export class Service implements Tenant, Resident {
  readonly spec: AppSpec;
  readonly image: Image;
  readonly #seat: Seat;
  readonly #events: ResidentEvents;
  readonly #now: () => number;
  readonly #creation: Creation;
  readonly #falls = new Falls();
  #guest = nextGuest();
  #phase: Phase = 'cold';
  #pages = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #hasLived = false;
  #runningSince = 0;
  #alive: NodeJS.Timeout | undefined;
  #onLive: PromiseWithResolvers<void> = Promise.withResolvers();
  #lastFault: FaultError | undefined;

  constructor(spec: AppSpec, image: Image, seat: Seat, events: ResidentEvents, surroundings: Surroundings) {
    this.spec = spec;
    this.image = image;
    this.#seat = seat;
    this.#events = events;
    this.#now = surroundings.now;
    this.#creation = new Creation(spec, image, events, surroundings);
    this.#onLive.promise.catch(() => undefined);
  }

  get guest(): GuestId {
    return this.#guest;
  }

  get memoryBytes(): number {
    return Atomics.load(this.#pages, 0) * PAGE_BYTES;
  }

  get storeBytes(): number {
    return this.#creation.storeBytes;
  }

  takeMostWaiting(): number {
    return 0;
  }

  get workBytes(): number {
    return this.memoryBytes;
  }

  get state(): AppState {
    if (this.#phase === 'resting') return 'failed';
    if (this.#phase === 'parked' || this.#phase === 'gone') return 'stopped';
    return this.#hasLived ? 'running' : 'starting';
  }

  get crashLoop(): CrashLoop | undefined {
    return this.#falls.crashLoop(this.#now());
  }

  // A service takes no calls, so there are none to wait for.
  readonly isBusy = false;
  readonly workDone = 0;

  has(): boolean {
    return false;
  }

  start(): Promise<void> {
    this.#seat.move(this);
    return this.#onLive.promise;
  }

  /** One that is being run again was told of when it ended. */
  check(): Promise<void> {
    const isDown = this.#phase === 'resting' || this.#phase === 'parked' || this.#phase === 'gone';
    return isDown ? Promise.reject(this.#lastFault ?? stopped()) : Promise.resolve();
  }

  ask(): Promise<never> {
    return Promise.reject(new FaultError('incompatible', 'A service exports nothing to be called.'));
  }

  enqueue({ done }: Call): void {
    const fault = new FaultError('incompatible', 'The app is a service: it takes no messages and no ticks.');
    done({ status: 'fault', fault, isAnswered: false });
  }

  hold(): void {
    // Nothing waits for a service.
  }

  resume(): void {
    // Nothing waits for a service.
  }

  takeWork(): [] {
    return [];
  }

  adopt(work: readonly Call[]): void {
    for (const call of work) this.enqueue(call);
  }

  idle(): Promise<void> {
    return Promise.resolve();
  }

  park(): void {
    if (this.#phase !== 'gone') this.#leave('parked');
  }

  unpark(): Promise<void> {
    if (this.#phase !== 'parked') return Promise.resolve();
    this.#phase = 'cold';
    this.#hasLived = false;
    this.#onLive = Promise.withResolvers();
    this.#onLive.promise.catch(() => undefined);
    return this.start();
  }

  async stop(): Promise<void> {
    if (this.#phase !== 'gone') this.#leave('gone');
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
        return this.#creation.work(this.#guest, undefined, this.#pages);
      case 'created':
        this.#phase = 'running';
        this.#runningSince = now;
        this.#alive = setTimeout(() => this.#lives(), ALIVE_AFTER_MS);
        return {
          task: { type: 'call', guest: this.#guest, call: { name: 'run' } },
          deadlineMs: Infinity,
        };
      case 'creating':
      case 'running':
      case 'parked':
      case 'gone':
        return undefined;
    }
  }

  ended(end: TaskEnd): void {
    // How busy one was whose isolate ended is not known; it told of all but its last second.
    if (end.type === 'done') this.#events.worked(end.busyMs, end.used ?? []);
    if (this.#phase === 'gone' || this.#phase === 'parked') return;
    if (end.type === 'isolate-ended') return this.#fell(end.fault);
    if (end.outcome.status === 'created') {
      this.#phase = 'created';
      Atomics.store(this.#pages, 0, end.memoryBytes / PAGE_BYTES);
      return;
    }
    this.#seat.drop(this.#guest);
    this.#fell(this.#whyItEnded(end.outcome));
  }

  /** Its isolate ended while nothing ran in it, so it was resting or not yet begun. */
  evicted(): void {
    if (this.#phase === 'created') this.#phase = 'cold';
  }

  abandon(fault: FaultError): void {
    this.#lastFault = fault;
    this.#leave('gone');
  }

  heard(notice: Notice): void {
    this.#creation.heard(notice);
  }

  // How it goes on -----------------------------------------------------------------------------

  #lives(): void {
    this.#hasLived = true;
    this.#onLive.resolve();
  }

  #whyItEnded(outcome: Exclude<Outcome, { status: 'created' }>): FaultError {
    if (outcome.status === 'fault') return new FaultError(outcome.kind, outcome.message, outcome.subject);
    const code = outcome.status === 'exit' ? outcome.code : outcome.status === 'returned' ? 0 : 1;
    return new FaultError(
      'trap',
      `The service ended with exit code ${code}, though it is to keep running.`,
      `exit ${code}`,
    );
  }

  #fell(fault: FaultError): void {
    clearTimeout(this.#alive);
    const now = this.#now();
    const wasSteady = this.#phase === 'running' && now - this.#runningSince >= STEADY_AFTER_MS;
    this.#guest = nextGuest();
    Atomics.store(this.#pages, 0, 0);
    this.#lastFault = fault;
    if (!this.#hasLived) return this.#leave('gone');
    if (wasSteady) this.#falls.rose();
    this.#phase = this.#falls.fell(now) > 0 ? 'resting' : 'cold';
    this.#falls.tell(fault, this.#events);
  }

  /** Ends its isolate, and with it whatever it does. */
  #leave(phase: 'parked' | 'gone'): void {
    clearTimeout(this.#alive);
    this.#phase = phase;
    this.#seat.leave(this);
    this.#guest = nextGuest();
    this.#pages = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    this.#onLive.reject(this.#lastFault ?? stopped());
  }
}
