/**
 * The budget of a guest's output: so many bytes a minute, whole lines, the rest counted and let go. It is
 * kept twice. In the isolate it spares the main thread a flood; in the main thread it outlives the
 * instance, so that a guest gains nothing by starting again.
 */

const MINUTE_MS = 60_000;

export class LogBudget {
  bytesPerMinute: number;
  #windowStart = -Infinity;
  #spent = 0;
  #dropped = 0;

  constructor(bytesPerMinute = 0) {
    this.bytesPerMinute = bytesPerMinute;
  }

  /** Whether a line of this text fits; `now` in ms of any steady clock. A newline counts as a byte. */
  admits(text: string, now: number): boolean {
    if (now - this.#windowStart >= MINUTE_MS) {
      this.#windowStart = now;
      this.#spent = 0;
    }
    const bytes = Buffer.byteLength(text) + 1;
    if (this.#spent + bytes > this.bytesPerMinute) {
      this.#dropped += 1;
      return false;
    }
    this.#spent += bytes;
    return true;
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
