/**
 * The warm isolates that all guests share. When a guest costs its seat the isolate, another moves in, the
 * others of that seat are made anew in it, and their calls are answered a little later; none is lost,
 * because calls wait here and not in the isolate.
 *
 * An isolate takes some ten megabytes, so there are as many as are in use: none on a board without an
 * app, one for one guest, a second while a swap has its candidate beside it, a spare as soon as guests
 * have neighbours. What nobody has used for a while ends.
 *
 * A dedicated seat is given to one resident and no other. Its isolate begins with its first task and ends,
 * whatever it does, when its tenant leaves.
 */
import type { Isolation } from '@wafer/protocol';
import { Isolate } from './isolate.ts';
import type { ImageKey } from './port.ts';
import { Seat } from './seat.ts';

/** How long an isolate that nobody lives in stays warm, ms: the soak of a release, and a few tries more. */
const IDLE_MS = 30_000;

export class Pool {
  readonly #size: number;
  readonly #idleMs: number;
  readonly #seats: Seat[] = [];
  /** Dedicated seats that have a tenant. */
  readonly #dedicated = new Set<Seat>();
  #spare: Isolate | undefined;
  #idle: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** At most `size` isolates have guests; an isolate that none lives in ends after `idleMs`. */
  constructor(size: number, idleMs = IDLE_MS) {
    this.#size = size;
    this.#idleMs = idleMs;
  }

  /**
   * A seat for this guest alone, or a shared one: one without a guest, one that is warm if there is one; else
   * that with the fewest guests.
   */
  choose(isolation: Isolation): Seat {
    if (isolation === 'dedicated') return this.#newSeat();
    const cost = (seat: Seat): number => (seat.isIdle ? -1 : seat.occupancy);
    const best = this.#seats.toSorted((a, b) => cost(a) - cost(b))[0];
    if (best !== undefined && (best.occupancy === 0 || this.#seats.length >= this.#size)) return best;
    const seat = new Seat({ start: () => this.#take(), onChange: () => this.#review() });
    this.#seats.push(seat);
    return seat;
  }

  /** Has an isolate for the first guest that comes; it goes when none does. */
  warm(): void {
    this.#spare ??= this.#start();
    this.#review();
  }

  /** Of the isolate that is furthest over a deadline, ms. */
  get overdueMs(): number {
    return Math.max(0, ...[...this.#seats, ...this.#dedicated].map((seat) => seat.overdueMs));
  }

  unload(image: ImageKey): void {
    for (const seat of [...this.#seats, ...this.#dedicated]) seat.unload(image);
  }

  /** Isolates that nobody lives in end at once; the others let go of what was dropped. */
  giveBack(): void {
    clearTimeout(this.#idle);
    this.#rest();
    for (const seat of this.#seats) seat.collect();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    const spare = this.#spare;
    this.#spare = undefined;
    const seats = [...this.#seats, ...this.#dedicated];
    await Promise.all([...seats.map((seat) => seat.close()), spare?.end()]);
  }

  /** A dedicated guest has paid for a thread of its own, so it waits for one rather than take the spare. */
  #newSeat(): Seat {
    const seat: Seat = new Seat({
      isDedicated: true,
      start: () => (this.#isClosed ? undefined : this.#start()),
      onChange: () => void (seat.occupancy > 0 ? this.#dedicated.add(seat) : this.#dedicated.delete(seat)),
    });
    return seat;
  }

  #seatOf(isolate: Isolate): Seat | undefined {
    for (const seat of this.#seats) if (seat.isIn(isolate)) return seat;
    for (const seat of this.#dedicated) if (seat.isIn(isolate)) return seat;
    return undefined;
  }

  /** One that is warm already, if there is one. */
  #take(): Isolate {
    const spare = this.#spare;
    this.#spare = undefined;
    // Whoever lost an isolate may lose the next one, too.
    queueMicrotask(() => this.#review());
    return spare ?? this.#seats.find(({ isIdle }) => isIdle)?.takeIsolate() ?? this.#start();
  }

  /** Neighbours of a guest that misbehaves should not wait for a thread to start. */
  #needsSpare(): boolean {
    return this.#seats.some(({ occupancy }) => occupancy > 1);
  }

  #review(): void {
    if (this.#isClosed) return;
    const needsSpare = this.#needsSpare();
    if (needsSpare) this.#spare ??= this.#start();
    const isIdle = this.#seats.some((seat) => seat.isIdle) || (this.#spare !== undefined && !needsSpare);
    if (isIdle) {
      this.#idle ??= setTimeout(() => this.#rest(), this.#idleMs).unref();
    } else {
      clearTimeout(this.#idle);
      this.#idle = undefined;
    }
  }

  /** Ends what has been idle. */
  #rest(): void {
    this.#idle = undefined;
    for (const seat of this.#seats) if (seat.isIdle) void seat.takeIsolate()?.end();
    if (this.#needsSpare()) return;
    void this.#spare?.end();
    this.#spare = undefined;
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
