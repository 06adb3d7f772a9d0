/**
 * Calls into a guest at a steady rate, each with a number of its own, and the answers as the broker
 * sees them: what was sent and not answered is lost, whoever says otherwise.
 */
import { AppName, DeviceId, guestTopic } from '@wafer/protocol';
import type { Gateway } from './gateway.ts';

/** How long the last answers may take, ms. */
const ANSWER_WITHIN_MS = 3000;

export interface LoadResult {
  readonly sent: number;
  readonly answered: number;
  readonly lost: number;
  readonly callsPerSecond: number;
}

export class Load {
  readonly #pending = new Set<number>();
  readonly #since = performance.now();
  #sent = 0;
  readonly #timer: NodeJS.Timeout;
  readonly #gateway: Gateway;

  /** Starts at once. The guest answers `commands/read` with the same number on `replies`. */
  constructor(gateway: Gateway, device: string, app: string, callsPerSecond: number) {
    this.#gateway = gateway;
    const id = DeviceId.parse(device);
    const name = AppName.parse(app);
    const replies = guestTopic(id, name, 'up', 'replies');
    gateway.onUp = (topic, payload) => {
      if (topic !== replies) return;
      this.#pending.delete((JSON.parse(payload.toString()) as { id: number }).id);
    };
    this.#timer = setInterval(() => {
      // As many as are due by now: timers are late, the rate must not be.
      const due = Math.floor(((performance.now() - this.#since) / 1000) * callsPerSecond);
      for (; this.#sent < due; this.#sent += 1) {
        this.#pending.add(this.#sent);
        gateway.inject(guestTopic(id, name, 'down', 'commands/read'), JSON.stringify({ id: this.#sent }));
      }
    }, 5);
  }

  async stop(): Promise<LoadResult> {
    clearInterval(this.#timer);
    const callsPerSecond = (this.#sent * 1000) / (performance.now() - this.#since);
    const deadline = performance.now() + ANSWER_WITHIN_MS;
    while (this.#pending.size > 0 && performance.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
    this.#gateway.onUp = () => {};
    const lost = this.#pending.size;
    return { sent: this.#sent, answered: this.#sent - lost, lost, callsPerSecond };
  }
}
