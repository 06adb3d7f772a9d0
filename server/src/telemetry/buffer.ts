/**
 * Rows on their way to Postgres that may be lost but should not be: gathered for a moment, written
 * as one statement, kept while the database is away, within a bound. What Postgres cannot take is
 * found by halving and left out, so that one device's row never costs another's.
 */
import { isUnavailable } from '../db/failures.ts';

export interface BufferOptions<Row> {
  readonly write: (rows: readonly Row[]) => Promise<void>;
  /** Rows that were given up: the buffer was full, or Postgres cannot take them. */
  readonly lost: (count: number, error?: unknown) => void;
  /** Written at once when there are so many. */
  readonly maxRows: number;
  /** Longest that a row waits while the database is there, ms. */
  readonly maxDelayMs: number;
  /** Most rows that are held; the oldest go first. */
  readonly maxHeld: number;
}

/** Wait after the database was away, ms. */
const RETRY_MS = 1000;

export class WriteBuffer<Row> {
  readonly #options: BufferOptions<Row>;
  #rows: Row[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: BufferOptions<Row>) {
    this.#options = options;
  }

  add(...rows: readonly Row[]): void {
    const { maxHeld, maxRows, maxDelayMs } = this.#options;
    if (this.#isClosed) return this.#options.lost(rows.length);
    this.#rows.push(...rows);
    const excess = this.#rows.length - maxHeld;
    if (excess > 0) {
      this.#rows.splice(0, excess);
      this.#options.lost(excess);
    }
    if (this.#rows.length >= maxRows && this.#writing === undefined) void this.flush();
    else this.#schedule(maxDelayMs);
  }

  /** Settles when all that is held now was written, given up, or kept because the database is away. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#drain().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  #schedule(delayMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, delayMs);
  }

  async #drain(): Promise<void> {
    while (this.#rows.length > 0) {
      const rows = this.#rows.splice(0, this.#options.maxRows);
      const kept = await this.#write(rows);
      if (kept.length === 0) continue;
      this.#rows.unshift(...kept);
      clearTimeout(this.#timer);
      this.#timer = undefined;
      return this.#schedule(RETRY_MS);
    }
  }

  /** The rows that should be tried again. */
  async #write(rows: readonly Row[]): Promise<readonly Row[]> {
    try {
      await this.#options.write(rows);
      return [];
    } catch (error) {
      if (isUnavailable(error)) return rows;
      if (rows.length === 1) {
        this.#options.lost(1, error);
        return [];
      }
      const middle = Math.ceil(rows.length / 2);
      return [...(await this.#write(rows.slice(0, middle))), ...(await this.#write(rows.slice(middle)))];
    }
  }

  /** Writes what is held, if the database takes it, and stops. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
