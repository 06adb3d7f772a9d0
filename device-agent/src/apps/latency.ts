/**
 * Latencies in a histogram of fixed size: 16 buckets for each doubling, so a quantile is right to within
 * 5 %, from a microsecond to a day.
 */

const BUCKETS_PER_DOUBLING = 16;
const SMALLEST_MS = 0.001;
const BUCKETS = BUCKETS_PER_DOUBLING * 37;

export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

const round = (ms: number): number => Number(ms.toPrecision(3));

export class Latency {
  readonly #counts = new Uint32Array(BUCKETS);
  #total = 0;

  add(ms: number): void {
    const doublings = Math.log2(Math.max(ms, SMALLEST_MS) / SMALLEST_MS);
    const bucket = Math.min(BUCKETS - 1, Math.floor(doublings * BUCKETS_PER_DOUBLING));
    this.#counts[bucket]! += 1;
    this.#total += 1;
  }

  /** Quantiles since the last call of this, ms; undefined when there was nothing. */
  take(): Quantiles | undefined {
    if (this.#total === 0) return undefined;
    const quantiles = { p50: this.#quantile(0.5), p90: this.#quantile(0.9), p99: this.#quantile(0.99) };
    this.#counts.fill(0);
    this.#total = 0;
    return quantiles;
  }

  /** The middle of the bucket that holds the rank. */
  #quantile(share: number): number {
    const rank = Math.ceil(share * this.#total);
    let seen = 0;
    const bucket = this.#counts.findIndex((count) => (seen += count) >= rank);
    return round(SMALLEST_MS * 2 ** ((bucket + 0.5) / BUCKETS_PER_DOUBLING));
  }
}
