/**
 * Senses, plans and acts until there is nothing to do, and again whenever something changed.
 *
 * INVARIANTS
 * 1. One step at a time for each app; apps do not wait for each other, and one that fails or hangs
 *    blocks none of the others.
 * 2. The plan is made anew after every step and every wake, so a newer order supersedes an older
 *    one at the next step. A download or a preparation that the newest plan no longer contains is
 *    broken off at once; a swap never is, because half a swap is no state.
 * 3. A step is taken only from a plan that was sensed while its app was idle.
 * 4. Nothing that a step throws ends the runner.
 * 5. After `close` no step begins, and it resolves when none is under way.
 */
import type { AppName } from '@wafer/protocol';
import { ABORTABLE, stepKey, type Step } from './steps.ts';

export interface RunnerOptions {
  /** Senses and plans. */
  readonly plan: () => Promise<Step[]>;
  /** Carries one step out; must settle. */
  readonly apply: (step: Step, signal: AbortSignal) => Promise<void>;
  /** Something was thrown that is not a fault of an app: a defect of the agent. */
  readonly onDefect: (error: unknown, step: Step | undefined) => void;
}

interface UnderWay {
  readonly step: Step;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #busy = new Map<AppName, UnderWay>();
  #round: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Something changed: plan again. Cheap, and never throws. */
  wake(): void {
    this.#again = true;
    this.#round ??= this.#rounds().finally(() => {
      this.#round = undefined;
      // A wake that came after the last look and before this line.
      if (this.#again && !this.#closed) this.wake();
    });
  }

  /** Resolves when nothing is under way and no plan is being made. */
  async idle(): Promise<void> {
    while (this.#round !== undefined || this.#busy.size > 0) {
      await this.#round;
      await Promise.all([...this.#busy.values()].map(({ done }) => done));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const { abort, step } of this.#busy.values()) if (ABORTABLE.has(step.step)) abort.abort();
    await this.idle();
  }

  async #rounds(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      // Invariant 3: what was under way when sensing began was sensed half-done.
      const busyBefore = new Map(this.#busy);
      try {
        const steps = await this.#options.plan();
        if (!this.#closed) this.#take(steps, busyBefore);
      } catch (error) {
        this.#options.onDefect(error, undefined);
      }
    }
  }

  #take(steps: readonly Step[], busyBefore: ReadonlyMap<AppName, UnderWay>): void {
    const planned = new Map(steps.map((step) => [step.app, step]));
    for (const [app, { step, abort }] of this.#busy) {
      const next = planned.get(app);
      const isStill = next !== undefined && stepKey(next) === stepKey(step);
      if (!isStill && ABORTABLE.has(step.step) && busyBefore.has(app)) abort.abort();
    }
    for (const step of steps) {
      if (!this.#busy.has(step.app) && !busyBefore.has(step.app)) this.#begin(step);
    }
  }

  #begin(step: Step): void {
    const abort = new AbortController();
    const done = this.#options
      .apply(step, abort.signal)
      .catch((error: unknown) => this.#options.onDefect(error, step))
      .finally(() => {
        this.#busy.delete(step.app);
        this.wake();
      });
    this.#busy.set(step.app, { step, abort, done });
  }
}
