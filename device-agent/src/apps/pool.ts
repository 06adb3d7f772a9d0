/**
 * The warm isolates that all guests share. A seat is a place where guests live; the isolate in it may
 * change. When a guest costs its seat the isolate, the spare moves in, the others of that seat are made
 * anew in it, and their calls are answered a little later; none is lost, because calls wait here and not
 * in the isolate.
 *
 * A seat runs one task at a time and goes round its tenants, so none of them starves the others.
 */
import { performance } from 'node:perf_hooks';
import { FaultError } from '@wafer/protocol';
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
  readonly #replace: () => Isolate;
  #isolate: Isolate | undefined;
  #isBusy = false;
  #alarm: NodeJS.Timeout | undefined;

  constructor(replace: () => Isolate) {
    this.#replace = replace;
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
    if (this.#isolate === undefined) return tenant.abandon(closing());
    this.#tenants.push(tenant);
    this.wake();
  }

  leave(tenant: Tenant): void {
    const index = this.#tenants.indexOf(tenant);
    if (index === -1) return;
    this.#tenants.splice(index, 1);
    this.#isolate?.drop(tenant.guest);
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

  async #run(isolate: Isolate, tenant: Tenant, { task, deadlineMs, firstCallMs }: Work): Promise<void> {
    this.#isBusy = true;
    const end = await isolate.run(task, tenant.image, deadlineMs, firstCallMs);
    this.#isBusy = false;
    if (this.#isolate === undefined) return;
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
  #spare: Isolate | undefined;

  /** Starts `size` isolates and a spare. */
  constructor(size: number) {
    this.#seats = Array.from({ length: size }, () => new Seat(() => this.#takeSpare()));
    for (const seat of this.#seats) seat.occupy(this.#start());
    this.#spare = this.#start();
  }

  /** The seat with the fewest guests. */
  choose(): Seat {
    return this.#seats.reduce((best, seat) => (seat.occupancy < best.occupancy ? seat : best));
  }

  unload(image: ImageKey): void {
    for (const seat of this.#seats) seat.unload(image);
  }

  async close(): Promise<void> {
    const spare = this.#spare;
    this.#spare = undefined;
    await Promise.all([...this.#seats.map((seat) => seat.close()), spare?.end()]);
  }

  #takeSpare(): Isolate {
    const taken = this.#spare ?? this.#start();
    this.#spare = this.#start();
    return taken;
  }

  #start(): Isolate {
    const isolate: Isolate = new Isolate(
      (notice) => this.#seats.find((seat) => seat.isIn(isolate))?.heard(notice),
      () => this.#vacated(isolate),
    );
    return isolate;
  }

  #vacated(isolate: Isolate): void {
    if (isolate === this.#spare) this.#spare = undefined;
    this.#seats.find((seat) => seat.isIn(isolate))?.vacated();
  }
}
