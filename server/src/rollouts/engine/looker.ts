/**
 * When to look at the rollouts: once a second, since time alone may have something to say, and soon after
 * devices have reported, so that a gate trips and a place in flight is filled without waiting. Reports come
 * in crowds, so there is a pause between two looks.
 *
 * What devices report to another server of the fleet is seen at the next second.
 */
import { Milliseconds, Seconds } from '@wafer/protocol';
import type { Deps } from '../../deps.ts';
import { tickOnce } from './tick.ts';

const LOOK = Seconds(1);
const PAUSE = Milliseconds(100);

export class Looker {
  readonly #deps: Deps;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #again = false;
  #unsubscribe: () => void = () => undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = setInterval(() => this.#wake(), LOOK);
    this.#unsubscribe = this.#deps.live.subscribe(({ type }) => {
      if (type === 'device' || type === 'rollout') this.#wake();
    });
  }

  /** Waits for the look under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#unsubscribe();
    this.#again = false;
    await this.#looking;
  }

  #wake(): void {
    this.#again = true;
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
  }

  async #look(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await tickOnce(this.#deps).catch((err: unknown) =>
        this.#deps.log.warn({ err }, 'rollouts wait for the database'),
      );
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}
