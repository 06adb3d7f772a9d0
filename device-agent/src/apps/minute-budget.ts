/**
 * So much a minute, over a window that slides: in no 60 seconds is more admitted than the limit. What was
 * spent comes back 60 to 70 s later, because it is remembered in slots of 10 s.
 */

const SLOT_MS = 10_000;
/** The running one, and the six before it. */
const SLOTS = 7;

export class MinuteBudget {
  perMinute: number;
  /** Spent in each slot, the running one first; empty until something is. */
  #slots: number[];
  #slotStart: number | undefined;

  /** `spent` as another budget's `spent` told it: the clocks of two threads begin at different times. */
  constructor(perMinute = 0, spent: readonly number[] = []) {
    this.perMinute = perMinute;
    this.#slots = [...spent];
  }

  /** `now` in ms of any steady clock. */
  fits(amount: number, now: number): boolean {
    this.#slide(now);
    return this.#slots.reduce((sum, slot) => sum + slot, amount) <= this.perMinute;
  }

  /** Books it, whether or not it fits. */
  spend(amount: number, now: number): void {
    this.#slide(now);
    this.#slots[0] = (this.#slots[0] ?? 0) + amount;
  }

  /** Books it where it fits. */
  admits(amount: number, now: number): boolean {
    const fits = this.fits(amount, now);
    if (fits) this.spend(amount, now);
    return fits;
  }

  spent(now: number): readonly number[] {
    this.#slide(now);
    return [...this.#slots];
  }

  #slide(now: number): void {
    this.#slotStart ??= now;
    const passed = Math.floor((now - this.#slotStart) / SLOT_MS);
    if (passed <= 0) return;
    this.#slotStart += passed * SLOT_MS;
    if (this.#slots.length === 0) return;
    this.#slots = passed >= SLOTS ? [] : [...Array<number>(passed).fill(0), ...this.#slots].slice(0, SLOTS);
  }
}
