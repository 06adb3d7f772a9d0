/**
 * The warm isolates that all guests share, and those that dedicated guests have for themselves. A seat is a place where guests live; the isolate in it may
 * change. When a guest costs its seat the isolate, the spare moves in, the others of that seat are made
 * anew in it, and their calls are answered a little later; none is lost, because calls wait here and not
 * in the isolate.
 *
 * A seat runs one task at a time and goes round its tenants, so none of them starves the others.
 *
 * A dedicated seat is given to one resident and no other. Its isolate begins with the first task and
 * ends, whatever it does, when its tenant leaves.
 */
import { performance } from 'node:perf_hooks';
import { FaultError, type Isolation } from '@wafer/protocol';
import { Isolate, type Notice, type TaskEnd } from './isolate.ts';
import type { GuestId, Image, ImageKey, Task } from './port.ts';

export interface Work {
  readonly task: Task;
  readonly deadlineMs: number;
  /** Of the call at the end of a creation. */
  readonly firstCallMs?: number;
}

/** A guest as its seat sees it. */
export interface Tenant {
  readonly guest: GuestId;
  readonly image: Image;
  /** What to do next; how long to wait, ms; or undefined when there is nothing. */
  next(now: number): Work | number | undefined;
  /** Its work has ended. */
  ended(end: TaskEnd): void;
  /** Its isolate is gone by no fault of its own. */
  evicted(): void;
  heard(notice: Notice): void;
  /** The seat closes: everything that waits is answered with this fault. */
  abandon(fault: FaultError): void;
}

const closing = (): FaultError => new FaultError('unhealthy', 'The agent is stopping.');

export class Seat {
  readonly #tenants: Tenant[] = [];
  readonly #replace: () => Isolate | undefined;
  /** Of a dedicated seat: it has no isolate any more. */
  readonly #onVacant: (() => void) | undefined;
  #isolate: Isolate | undefined;
  #isBusy = false;
  #alarm: NodeJS.Timeout | undefined;

  constructor(replace: () => Isolate | undefined, onVacant?: () => void) {
    this.#replace = replace;
    this.#onVacant = onVacant;
  }

  get occupancy(): number {
    return this.#tenants.length;
  }

  /** Puts the first isolate in. */
  occupy(isolate: Isolate): void {
    this.#isolate = isolate;
  }

  isIn(isolate: Isolate): boolean {
    return this.#isolate === isolate;
  }

  move(tenant: Tenant): void {
    if (this.#onVacant !== undefined && this.#tenants.length === 0) this.#isolate ??= this.#replace();
    if (this.#isolate === undefined) return tenant.abandon(closing());
    this.#tenants.push(tenant);
    this.wake();
  }

  leave(tenant: Tenant): void {
    const index = this.#tenants.indexOf(tenant);
    if (index === -1) return;
    this.#tenants.splice(index, 1);
    if (this.#onVacant !== undefined && this.#tenants.length === 0) this.#vacate(this.#onVacant);
    else this.#isolate?.drop(tenant.guest);
  }

  /** The instance is finished, its tenant stays: what the isolate holds for it goes. */
  drop(guest: GuestId): void {
    this.#isolate?.drop(guest);
  }

  unload(image: ImageKey): void {
    this.#isolate?.unload(image);
  }

  heard(notice: Notice): void {
    this.#tenants.find(({ guest }) => guest === notice.guest)?.heard(notice);
  }

  /** Something may be to do. */
  wake(): void {
    if (this.#isBusy || this.#isolate === undefined) return;
    clearTimeout(this.#alarm);
    const now = performance.now();
    let soonest = Infinity;
    for (const tenant of this.#tenants) {
      const next = tenant.next(now);
      if (typeof next === 'object') {
        // It goes to the end of the line.
        this.#tenants.push(...this.#tenants.splice(this.#tenants.indexOf(tenant), 1));
        void this.#run(this.#isolate, tenant, next);
        return;
      }
      if (next !== undefined) soonest = Math.min(soonest, next);
    }
    if (soonest !== Infinity) this.#alarm = setTimeout(() => this.wake(), Math.ceil(soonest));
  }

  /** The isolate ended while it ran nothing: nobody's fault. */
  vacated(): void {
    this.#isolate = this.#replace();
    for (const tenant of this.#tenants) tenant.evicted();
    this.wake();
  }

  async close(): Promise<void> {
    clearTimeout(this.#alarm);
    const isolate = this.#isolate;
    this.#isolate = undefined;
    for (const tenant of this.#tenants.splice(0)) tenant.abandon(closing());
    await isolate?.end();
  }

  #vacate(onVacant: () => void): void {
    clearTimeout(this.#alarm);
    const isolate = this.#isolate;
    this.#isolate = undefined;
    this.#isBusy = false;
    onVacant();
    void isolate?.end();
  }

  async #run(isolate: Isolate, tenant: Tenant, { task, deadlineMs, firstCallMs }: Work): Promise<void> {
    this.#isBusy = true;
    const end = await isolate.run(task, tenant.image, deadlineMs, firstCallMs);
    // The tenant left a dedicated seat, or the pool closed.
    if (this.#isolate !== isolate) return;
    this.#isBusy = false;
    if (end.type === 'isolate-ended') {
      this.#isolate = this.#replace();
      for (const other of this.#tenants) if (other !== tenant) other.evicted();
    }
    tenant.ended(end);
    this.wake();
  }
}

export class Pool {
  readonly #seats: Seat[];
  /** Dedicated seats that have an isolate. */
  readonly #dedicated = new Set<Seat>();
  #spare: Isolate | undefined;
  #isClosed = false;

  /** Starts `size` isolates and a spare. */
  constructor(size: number) {
    this.#seats = Array.from({ length: size }, () => new Seat(() => this.#takeSpare()));
    for (const seat of this.#seats) seat.occupy(this.#start());
    this.#spare = this.#start();
  }

  /** The seat with the fewest guests, or one for this guest alone. */
  choose(isolation: Isolation): Seat {
    if (isolation === 'dedicated') return this.#newSeat();
    return this.#seats.reduce((best, seat) => (seat.occupancy < best.occupancy ? seat : best));
  }

  unload(image: ImageKey): void {
    for (const seat of [...this.#seats, ...this.#dedicated]) seat.unload(image);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const spare = this.#spare;
    this.#spare = undefined;
    const seats = [...this.#seats, ...this.#dedicated];
    await Promise.all([...seats.map((seat) => seat.close()), spare?.end()]);
  }

  /** A dedicated guest has paid for a thread of its own, so it waits for one rather than take the spare. */
  #newSeat(): Seat {
    const seat: Seat = new Seat(
      () => {
        if (this.#isClosed) return undefined;
        this.#dedicated.add(seat);
        return this.#start();
      },
      () => void this.#dedicated.delete(seat),
    );
    return seat;
  }

  #seatOf(isolate: Isolate): Seat | undefined {
    for (const seat of this.#seats) if (seat.isIn(isolate)) return seat;
    for (const seat of this.#dedicated) if (seat.isIn(isolate)) return seat;
    return undefined;
  }

  #takeSpare(): Isolate {
    const taken = this.#spare ?? this.#start();
    this.#spare = this.#start();
    return taken;
  }

  #start(): Isolate {
    const isolate: Isolate = new Isolate(
      (notice) => this.#seatOf(isolate)?.heard(notice),
      () => this.#vacated(isolate),
    );
    return isolate;
  }

  #vacated(isolate: Isolate): void {
    if (isolate === this.#spare) this.#spare = undefined;
    this.#seatOf(isolate)?.vacated();
  }
}
