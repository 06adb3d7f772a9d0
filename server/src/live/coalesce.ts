/**
 * What one client is told when: the first hint about a subject at once, more of them at most every
 * quarter of a second, as one. Pure but for the clock; whoever owns it calls `flush` when it is due.
 *
 * Bounded: no more subjects wait than `maxWaiting`; beyond that they are forgotten for one
 * `resync`, which asks the client to read everything again.
 */
import { Milliseconds, type Clock, type LiveEvent } from '@wafer/protocol';

export const QUIET = Milliseconds(250);

export interface CoalesceOptions {
  readonly clock: Clock;
  /** Called at once or from `flush`. */
  readonly send: (event: LiveEvent) => void;
  readonly maxWaiting: number;
}

/** Two hints with the same subject say the same. */
function subjectOf(event: LiveEvent): string {
  switch (event.type) {
    case 'device':
    case 'health':
      return `${event.type}/${event.device}`;
    case 'release':
      return `release/${event.app}`;
    case 'channel':
      return `channel/${event.channel}`;
    case 'rollout':
      return `rollout/${event.rollout}`;
    case 'group':
      return `group/${event.group}`;
    case 'resync':
      return 'resync';
  }
}

export class Coalescer {
  readonly #options: CoalesceOptions;
  /** When each subject was last sent; only those that are still quiet. */
  readonly #sent = new Map<string, number>();
  readonly #waiting = new Map<string, LiveEvent>();

  constructor(options: CoalesceOptions) {
    this.#options = options;
  }

  /** True when something waits, so that `flush` should be called after QUIET. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  add(event: LiveEvent): void {
    const subject = subjectOf(event);
    const now = this.#options.clock.now();
    const sent = this.#sent.get(subject);
    if (sent === undefined || now - sent >= QUIET) return this.#send(subject, event, now);
    if (this.#waiting.has('resync')) return;
    if (this.#waiting.size >= this.#options.maxWaiting && !this.#waiting.has(subject)) {
      this.#waiting.clear();
      this.#waiting.set('resync', { type: 'resync' });
    } else this.#waiting.set(subject, event);
  }

  /** Sends what has waited. */
  flush(): void {
    const now = this.#options.clock.now();
    for (const [subject, at] of this.#sent) if (now - at >= QUIET) this.#sent.delete(subject);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const [subject, event] of waiting) this.#send(subject, event, now);
  }

  #send(subject: string, event: LiveEvent, now: number): void {
    this.#waiting.delete(subject);
    this.#sent.set(subject, now);
    this.#options.send(event);
  }
}
