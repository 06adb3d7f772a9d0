/**
 * One heartbeat for all devices of a process. A board looks at itself four times a second; thousands of them
 * on one machine would do nothing else. A device here is looked at every few seconds, in turn with the
 * others, and besides whenever its own journal says that something is due.
 */
import type { Ticks } from '../ground.ts';

const BEAT_MS = 100;
/** Beats between two looks at the same device. */
const BEATS = 50;

interface Member {
  readonly ticks: Ticks;
  healthAt: number;
}

export class Heartbeat {
  readonly #healthEveryMs: number;
  readonly #groups: Set<Member>[] = Array.from({ length: BEATS }, () => new Set());
  readonly #timer: NodeJS.Timeout;
  #beat = 0;
  #joined = 0;

  constructor(healthEveryMs: number) {
    this.#healthEveryMs = healthEveryMs;
    this.#timer = setInterval(() => this.#next(), BEAT_MS);
  }

  /** What it answers ends that. */
  join(ticks: Ticks): () => void {
    const number = this.#joined;
    this.#joined += 1;
    const group = this.#groups[number % BEATS]!;
    const member = { ticks, healthAt: performance.now() + (this.#healthEveryMs * (number % BEATS)) / BEATS };
    group.add(member);
    return () => group.delete(member);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #next(): void {
    this.#beat = (this.#beat + 1) % BEATS;
    const now = performance.now();
    for (const member of this.#groups[this.#beat]!) {
      member.ticks.look();
      member.ticks.tend();
      if (now < member.healthAt) continue;
      member.healthAt = now + this.#healthEveryMs;
      member.ticks.tellHealth();
    }
  }
}
