/**
 * How a release does, over about the last stretch of time: what the soak compares a release with the one
 * before by. Two half stretches take turns, so what is read is never older than a stretch and seldom
 * younger than half of one. It is small, because every app of the board has one: four buckets for each
 * doubling, within which a quantile is read off as if calls were spread evenly.
 */
const BUCKETS_PER_DOUBLING = 4;
const SMALLEST_MS = 0.01;
const BUCKETS = BUCKETS_PER_DOUBLING * 27;

/** A soak of nothing still has to compare something, ms. */
const SHORTEST_MS = 10_000;

class Half {
  readonly counts = new Uint32Array(BUCKETS);
  calls = 0;
  faults = 0;

  clear(): void {
    this.counts.fill(0);
    this.calls = 0;
    this.faults = 0;
  }
}

export interface Counted {
  readonly calls: number;
  readonly faults: number;
  /** Of nine calls in ten, ms; undefined when there were none. */
  readonly p90Ms: number | undefined;
}

export class Figures {
  readonly #halfMs: number;
  #halves: [Half, Half] | undefined;
  #since = 0;

  constructor(stretchMs: number) {
    this.#halfMs = Math.max(SHORTEST_MS, stretchMs) / 2;
  }

  /** Times are ms of any steady clock. */
  call(ms: number, now: number): void {
    const half = this.#half(now);
    const doublings = Math.log2(Math.max(ms, SMALLEST_MS) / SMALLEST_MS);
    half.counts[Math.min(BUCKETS - 1, Math.floor(doublings * BUCKETS_PER_DOUBLING))]! += 1;
    half.calls += 1;
  }

  fault(now: number, count = 1): void {
    this.#half(now).faults += count;
  }

  read(now: number): Counted {
    this.#half(now);
    const [one, other] = this.#halves!;
    const calls = one.calls + other.calls;
    return {
      calls,
      faults: one.faults + other.faults,
      p90Ms: calls === 0 ? undefined : p90(one, other, calls),
    };
  }

  /** The half that counts now. */
  #half(now: number): Half {
    if (this.#halves === undefined) {
      this.#halves = [new Half(), new Half()];
      this.#since = now;
    }
    const passed = now - this.#since;
    if (passed >= this.#halfMs) {
      const [older, newer] = this.#halves;
      if (passed >= 2 * this.#halfMs) newer.clear();
      older.clear();
      this.#halves = [newer, older];
      this.#since = now;
    }
    return this.#halves[1];
  }
}

function p90(one: Half, other: Half, calls: number): number {
  const rank = 0.9 * calls;
  let seen = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    const count = one.counts[bucket]! + other.counts[bucket]!;
    if (count > 0 && seen + count >= rank) {
      return SMALLEST_MS * 2 ** ((bucket + (rank - seen) / count) / BUCKETS_PER_DOUBLING);
    }
    seen += count;
  }
  return 0;
}
