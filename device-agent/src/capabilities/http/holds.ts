/** What a guest holds of wasi:http lies in the host's memory, outside the guest's limit, so it is bounded. */
import { Refusal } from '../host.ts';

/** Requests, responses, bodies, headers and options that a guest may hold at a time. */
const MAX_HELD = 256;

/** Beyond it the guest traps, since these functions have no error to answer. */
export function bounded(holds: boolean, what: string): void {
  if (!holds) throw new Refusal('memory-limit', `The guest went over the limit of ${what}.`, what);
}

export class Holds {
  #held = 0;

  take(): void {
    bounded(this.#held < MAX_HELD, `${MAX_HELD} handles of wasi:http held at a time`);
    this.#held += 1;
  }

  give(): void {
    this.#held -= 1;
  }
}
