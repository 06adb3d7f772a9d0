/**
 * A seat: a place in an isolate where guests live; the isolate in it may change. It runs one task at a
 * time. Guests that have something to do stand in line, and whoever had a turn goes to the end of it, so
 * none starves the others; guests that have nothing to do cost nothing, however many there are.
 */
import { performance } from 'node:perf_hooks';
import { FaultError } from '@wafer/protocol';
import type { Isolate, Notice, TaskEnd } from './isolate.ts';
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

interface SeatOptions {
  /** Undefined when no more guests are to run. */
  readonly start: () => Isolate | undefined;
  /** Somebody came or went, so the pool may want more isolates, or fewer. */
  readonly onChange: () => void;
  /** Its isolate is its tenant's own, and ends with it, whatever it does. Default: false. */
  readonly isDedicated?: boolean;
}

export class Seat {
  readonly #tenants = new Set<Tenant>();
  /** Who may have something to do, in the order of their turns. */
  readonly #line = new Set<Tenant>();
  /** Who will have something to do later. */
  readonly #alarms = new Map<Tenant, NodeJS.Timeout>();
  readonly #options: SeatOptions;
  #isolate: Isolate | undefined;
  #current: Tenant | undefined;
  #isClosed = false;

  constructor(options: SeatOptions) {
    this.#options = options;
  }

  get occupancy(): number {
    return this.#tenants.size;
  }

  /** It has an isolate that nobody lives in. */
  get isIdle(): boolean {
    return this.#isolate !== undefined && this.#tenants.size === 0 && this.#current === undefined;
  }

  get overdueMs(): number {
    return this.#isolate?.overdueMs ?? 0;
  }

  isIn(isolate: Isolate): boolean {
    return this.#isolate === isolate;
  }

  move(tenant: Tenant): void {
    if (this.#isClosed) return tenant.abandon(closing());
    this.#tenants.add(tenant);
    this.#options.onChange();
    this.wake(tenant);
  }

  leave(tenant: Tenant): void {
    if (!this.#tenants.delete(tenant)) return;
    this.#line.delete(tenant);
    this.#silence(tenant);
    if (this.#options.isDedicated === true) this.#vacate();
    else this.#isolate?.drop(tenant.guest);
    this.#options.onChange();
  }

  /** The instance is finished, its tenant stays: what the isolate holds for it goes. */
  drop(guest: GuestId): void {
    this.#isolate?.drop(guest);
  }

  /** What was dropped is to be given back now. */
  collect(): void {
    this.#isolate?.collect();
  }

  unload(image: ImageKey): void {
    this.#isolate?.unload(image);
  }

  /** An isolate speaks of whoever has its turn. */
  heard(notice: Notice): void {
    if (this.#current?.guest === notice.guest) this.#current.heard(notice);
  }

  /** There may be something to do for this tenant. */
  wake(tenant: Tenant): void {
    if (!this.#tenants.has(tenant)) return;
    this.#line.add(tenant);
    this.#turn();
  }

  /** The isolate ended while it ran nothing: nobody's fault. */
  vacated(): void {
    this.#isolate = undefined;
    this.#evict(undefined);
    this.#turn();
  }

  /** Gives its isolate up; it must be idle, or closed. */
  takeIsolate(): Isolate | undefined {
    const isolate = this.#isolate;
    this.#isolate = undefined;
    return isolate;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const isolate = this.takeIsolate();
    for (const alarm of this.#alarms.values()) clearTimeout(alarm);
    const tenants = [...this.#tenants];
    for (const list of [this.#tenants, this.#line, this.#alarms]) list.clear();
    for (const tenant of tenants) tenant.abandon(closing());
    await isolate?.end();
  }

  /** Gives the first in line that has something to do its turn. */
  #turn(): void {
    if (this.#current !== undefined || this.#isClosed) return;
    const now = performance.now();
    for (const tenant of this.#line) {
      this.#line.delete(tenant);
      this.#silence(tenant);
      const next = tenant.next(now);
      if (typeof next === 'object') return void this.#run(tenant, next);
      if (next !== undefined) {
        this.#alarms.set(
          tenant,
          setTimeout(() => this.wake(tenant), Math.ceil(next)),
        );
      }
    }
  }

  async #run(tenant: Tenant, { task, deadlineMs, firstCallMs }: Work): Promise<void> {
    const isolate = (this.#isolate ??= this.#options.start());
    if (isolate === undefined) return tenant.abandon(closing());
    this.#current = tenant;
    const end = await isolate.run(task, tenant.image, deadlineMs, firstCallMs);
    // The seat closed, or its tenant left it.
    if (this.#isolate !== isolate) return;
    this.#current = undefined;
    if (this.#tenants.size === 0) this.#options.onChange();
    if (end.type === 'isolate-ended') {
      this.#isolate = undefined;
      this.#evict(tenant);
    }
    tenant.ended(end);
    this.wake(tenant);
    this.#turn();
  }

  #vacate(): void {
    this.#current = undefined;
    void this.takeIsolate()?.end();
  }

  /** Everybody who lived in the isolate that is gone, but the one who had its turn. */
  #evict(culprit: Tenant | undefined): void {
    for (const tenant of this.#tenants) {
      if (tenant === culprit) continue;
      tenant.evicted();
      this.#line.add(tenant);
    }
  }

  #silence(tenant: Tenant): void {
    clearTimeout(this.#alarms.get(tenant));
    this.#alarms.delete(tenant);
  }
}
