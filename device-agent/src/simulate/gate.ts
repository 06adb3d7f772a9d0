/**
 * At most so many at a time; the others wait, first come, first served. Thousands of boards open their sessions on
 * processors of their own; here all of those handshakes are made by one, and begun at once (after a restart of the
 * server, say) each would take longer than a board waits for it, for ever.
 */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(width: number) {
    this.#free = width;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Whoever is next takes over the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
