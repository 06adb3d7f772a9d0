/**
 * The budget of a guest's output: so many bytes a minute, whole lines, the rest counted and let go. It is
 * kept twice. In the isolate it spares the main thread a flood; in the main thread it outlives the
 * instance, so that a guest gains nothing by starting again.
 */
import { MinuteBudget } from './minute-budget.ts';

export class LogBudget {
  readonly #budget: MinuteBudget;
  #dropped = 0;

  constructor(bytesPerMinute = 0) {
    this.#budget = new MinuteBudget(bytesPerMinute);
  }

  set bytesPerMinute(bytes: number) {
    this.#budget.perMinute = bytes;
  }

  /** Bytes of a line of this text; a newline counts as one. */
  static bytesOf(text: string): number {
    return Buffer.byteLength(text) + 1;
  }

  /** Whether a line of this text fits; `now` in ms of any steady clock. */
  admits(text: string, now: number): boolean {
    const fits = this.#budget.admits(LogBudget.bytesOf(text), now);
    if (!fits) this.#dropped += 1;
    return fits;
  }

  countDropped(lines: number): void {
    this.#dropped += lines;
  }

  /** Lines let go since the last call of this. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
