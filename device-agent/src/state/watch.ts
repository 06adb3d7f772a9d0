/**
 * Looks after what serves: asks each app's health probe at the interval of its rule, and turns
 * faults into what they mean. During the soak every fault that speaks against the release counts
 * against the rule, and what the release needs is compared with what the one before needed; afterwards an
 * app whose probe fails again and again is started anew, ever more slowly.
 */
import { speaksAgainstRelease, type AppName, type Fault, type Version } from '@wafer/protocol';
import type { Board } from './board.ts';
import { asFault, retryDelayMs } from './failing.ts';
import { compare } from './verdict.ts';

/** Failed probes in a row after which a settled app is started anew. */
const RESTART_AFTER = 3;

interface Watched {
  askedAt: number;
  failures: number;
  /** Since a probe last said yes. */
  restarts: number;
  asking: boolean;
  /** Faults that the runtime told of. */
  told: number;
}

export class Watch {
  readonly #board: Board;
  readonly #wake: () => void;
  readonly #watched = new Map<AppName, Watched>();

  constructor(board: Board, wake: () => void) {
    this.#board = board;
    this.#wake = wake;
  }

  /** A fault of a serving instance, as the runtime tells it. */
  fault(app: AppName, version: Version, fault: Fault, count = 1): void {
    if (speaksAgainstRelease(fault)) this.#of(app, this.#board.clock.now()).told += 1;
    this.#count(app, version, fault, count);
  }

  #count(app: AppName, version: Version, fault: Fault, count = 1): void {
    const { current, soak } = this.#board.journal.record(app);
    if (soak !== null && current?.order.version === version && speaksAgainstRelease(fault)) {
      const { soakFaults } = this.#board.senses.of(app);
      // More than the rule forgives are as good as any number.
      const room = Math.max(0, current.order.health.soakFaults + 1 - soakFaults.length);
      soakFaults.push(...Array<Fault>(Math.min(count, room)).fill(fault));
      this.#wake();
    }
    this.#board.reportFault(app, version, fault, count);
  }

  /** Call often; probes whoever is due. */
  tick(): void {
    const now = this.#board.clock.now();
    for (const app of Object.keys(this.#board.journal.state.apps) as AppName[]) {
      const { current } = this.#board.journal.record(app);
      const { serving } = this.#board.senses.of(app);
      if (current === null || serving !== current.order.execution) continue;
      this.#compare(app);
      const watched = this.#of(app, now);
      if (watched.asking || now - watched.askedAt < current.order.health.probeEveryMs) continue;
      watched.askedAt = now;
      watched.asking = true;
      void this.#probe(app, watched).finally(() => (watched.asking = false));
    }
  }

  /** A comparison that is lost is no fault among others: nothing of it is forgiven. */
  #compare(app: AppName): void {
    const { current, soak } = this.#board.journal.record(app);
    const figures = soak === null ? undefined : this.#board.runtime.soakFigures(app);
    if (current === null || figures === undefined) return;
    const { health } = current.order;
    const fault = compare(health, figures.now, figures.before);
    if (fault === undefined) return;
    this.#board.senses.of(app).soakFaults = Array<Fault>(health.soakFaults + 1).fill(fault);
    this.#wake();
  }

  #of(app: AppName, now: number): Watched {
    const known = this.#watched.get(app);
    if (known !== undefined) return known;
    const watched = { askedAt: now, failures: 0, restarts: 0, asking: false, told: 0 };
    this.#watched.set(app, watched);
    return watched;
  }

  async #probe(app: AppName, watched: Watched): Promise<void> {
    const asked = this.#board.senses.of(app).serving;
    const { told } = watched;
    try {
      await this.#board.runtime.probe(app);
      watched.failures = 0;
      watched.restarts = 0;
    } catch (error) {
      const notes = this.#board.senses.of(app);
      const { current, soak } = this.#board.journal.record(app);
      // It was switched or stopped while it was asked: the answer is about nobody.
      if (current === null || notes.serving !== asked) return;
      const fault = asUnhealthy(asFault(error, 'unhealthy'));
      watched.failures += 1;
      // A probe that traps is told by the runtime too, and is one fault.
      if (watched.told === told) this.#count(app, current.order.version, fault);
      if (soak === null && watched.failures >= RESTART_AFTER) {
        watched.failures = 0;
        watched.restarts += 1;
        watched.askedAt = this.#board.clock.now() + retryDelayMs(watched.restarts);
        notes.restartAsked = true;
        this.#wake();
      }
    }
  }
}

/** After the start a probe that says no is no failed probe of the start any more. */
const asUnhealthy = (fault: Fault): Fault =>
  fault.kind === 'probe-failed' ? { ...fault, kind: 'unhealthy' } : fault;
