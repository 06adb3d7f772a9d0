/**
 * A token bucket that says how long to wait instead of refusing: whoever publishes too fast is read
 * more slowly, TCP holds the rest back, and nothing is lost.
 */
import type { Clock } from '@wafer/protocol';

export interface PaceLimits {
  readonly tokensPerSecond: number;
  readonly burst: number;
  /** A message costs one token, and one more for every so many bytes. */
  readonly bytesPerToken: number;
}

/** About 1,000 small messages or 4 MiB a second, for one connection. */
export const PUBLISH_PACE: PaceLimits = { tokensPerSecond: 1000, burst: 4000, bytesPerToken: 4096 };

export class Pace {
  readonly #limits: PaceLimits;
  readonly #clock: Clock;
  #tokens: number;
  #at: number;

  constructor(limits: PaceLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#tokens = limits.burst;
    this.#at = clock.now();
  }

  /** Takes what a message of so many bytes costs; the answer is how long to wait with it, ms. */
  take(bytes: number): number {
    const { tokensPerSecond, burst, bytesPerToken } = this.#limits;
    const now = this.#clock.now();
    const gained = (Math.max(0, now - this.#at) * tokensPerSecond) / 1000;
    this.#tokens = Math.min(burst, this.#tokens + gained) - 1 - bytes / bytesPerToken;
    this.#at = now;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / tokensPerSecond);
  }
}
