/** One device's connection: what it may do, how fast it may talk, how much of it is under way. */
import { deviceAccess, type Access, type Clock } from '@wafer/protocol';
import type { Presented } from './authenticate.ts';
import type { Gate } from './frames.ts';
import { Pace, PUBLISH_PACE } from './pace.ts';

/** Messages of one connection whose handlers have not settled; beyond it the socket is not read. */
const MAX_UNDER_WAY = 64;

export class Session {
  readonly presented: Presented;
  readonly access: Access;
  /** Number of the connection on this server; `disconnect` cuts all up to the last one. */
  readonly ordinal: number;
  readonly #gate: Gate;
  readonly #pace: Pace;
  #underWay = 0;
  #isHeld = false;

  constructor(presented: Presented, ordinal: number, gate: Gate, clock: Clock) {
    this.presented = presented;
    this.ordinal = ordinal;
    this.access = deviceAccess(presented.device);
    this.#gate = gate;
    this.#pace = new Pace(PUBLISH_PACE, clock);
  }

  /** Charges for a message; whoever is too fast is not read for a while. */
  charge(bytes: number): void {
    const waitMs = this.#pace.take(bytes);
    if (waitMs === 0) return;
    this.#gate.hold();
    setTimeout(() => this.#gate.release(), waitMs).unref();
  }

  /** Runs a handler, which must not reject. */
  run(handler: () => Promise<void>): void {
    this.#count(1);
    void handler().then(() => this.#count(-1));
  }

  #count(change: number): void {
    this.#underWay += change;
    const isFull = this.#underWay >= MAX_UNDER_WAY;
    if (isFull === this.#isHeld) return;
    this.#isHeld = isFull;
    if (isFull) this.#gate.hold();
    else this.#gate.release();
  }
}
