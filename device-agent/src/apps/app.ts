/**
 * One app on the board: what serves it, what served it before and is still warm, and its timer. What its
 * residents tell goes into its books (books.ts). One change (swap, rollback, settle, stop) happens at a time, in the order they were asked for.
 */
import { performance } from 'node:perf_hooks';
import {
  FaultError,
  filterCovers,
  gpioLabel,
  gpioTopic,
  grantName,
  type AppHealth,
  type AppName,
  type AppState,
  type Grants,
  type SwapFigures,
} from '@wafer/protocol';
import { edgePayload, type News } from '../capabilities/board/port.ts';
import { Books, type BooksOptions } from './books.ts';
import type { Answer, Call } from './calls.ts';
import type { GuestCall } from './port.ts';
import type { Resident, ResidentEvents } from './resident.ts';
import type { AppSpec, ReleaseFigures } from './runtime.ts';
import { startTriggers } from './schedule.ts';
import { goBack, swap, type Stage } from './swap.ts';

export interface AppOptions extends BooksOptions {
  /** Takes a resident out for good; its image may be unused then. */
  readonly retire: (resident: Resident) => Promise<void>;
  /** Wall clock, ms since 1970. */
  readonly wallNow: () => number;
}

const now = (): number => performance.now();

const noPrevious = (app: AppName): FaultError =>
  new FaultError('unhealthy', `${app} has no previous instance to go back to.`);

const notRunning = (app: AppName): FaultError => new FaultError('unhealthy', `${app} is not running.`);

export class App {
  readonly #name: AppName;
  readonly #retire: (resident: Resident) => Promise<void>;
  readonly #wallNow: () => number;
  readonly #books: Books;
  #serving: Resident | undefined;
  #previous: Resident | undefined;
  /** Figures of the one before, as it was replaced. */
  #before: ReleaseFigures | undefined;
  #lastSwap: AppHealth['lastSwap'];
  #stopTriggers: () => void = () => undefined;
  #isTicking = false;
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor({ retire, wallNow, ...options }: AppOptions) {
    this.#name = options.name;
    this.#retire = retire;
    this.#wallNow = wallNow;
    this.#books = new Books(options);
  }

  // Changes ------------------------------------------------------------------------------------

  /** `make` builds the candidate; it is given whom to tell about itself. */
  swap(
    spec: AppSpec,
    make: (events: ResidentEvents) => Promise<Resident>,
    prepareMs: number,
    onStage: (stage: Stage) => void,
    cause: SwapFigures['cause'],
  ): Promise<SwapFigures> {
    return this.#inTurn(async () => {
      const candidate: Resident = await make(this.#books.listener(spec, () => candidate === this.#serving));
      try {
        const figures = await swap({
          old: this.#serving,
          candidate,
          cause,
          prepareMs,
          onStage,
          switchTo: (resident) => this.#switchTo(resident),
          lostCalls: () => this.#books.lost,
          now,
        });
        return this.#swapped(figures);
      } catch (error) {
        await this.#retire(candidate);
        throw error;
      }
    });
  }

  settle(): Promise<void> {
    return this.#inTurn(async () => {
      const previous = this.#previous;
      this.#previous = undefined;
      this.#before = undefined;
      if (previous !== undefined) await this.#retire(previous);
    });
  }

  rollback(carryState: boolean): Promise<SwapFigures> {
    return this.#inTurn(async () => {
      const failed = this.#serving;
      const previous = this.#previous;
      if (previous === undefined) throw noPrevious(this.#name);
      const lostBefore = this.#books.lost;
      await this.#unpark(previous);
      this.#previous = undefined;
      const switchTo = (resident: Resident): void => this.#serve(resident);
      const gapMs = await goBack({ failed, previous, carryState, switchTo, now });
      const drainedAt = now();
      await failed?.idle();
      const drainMs = now() - drainedAt;
      if (failed !== undefined) await this.#retire(failed);
      const lostCalls = this.#books.lost - lostBefore;
      return this.#swapped({ cause: 'rollback', prepareMs: 0, gapMs, drainMs, lostCalls });
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const residents = [this.#serving, this.#previous].filter((resident) => resident !== undefined);
      this.#serve(undefined);
      this.#previous = undefined;
      await Promise.all(residents.map((resident) => this.#retire(resident)));
    });
  }

  /** The isolates are about to end: nothing is asked of the guests any more. */
  end(): void {
    this.#serve(undefined);
    this.#previous = undefined;
  }

  // Calls --------------------------------------------------------------------------------------

  /** A message from the server. What begins with a `$` is the board's own, and comes from no server. */
  async deliver(topic: string, payload: Uint8Array): Promise<void> {
    const serving = this.#serving;
    if (serving === undefined) throw notRunning(this.#name);
    if (topic.startsWith('$') || !this.#mayReceive(serving, topic)) {
      const subject = grantName.subscribe(topic);
      const message = `No grant lets ${this.#name} receive ${topic}.`;
      const fault = new FaultError('capability-denied', message, subject);
      this.#books.refused(serving.spec, fault, 1);
      throw fault;
    }
    if (!serving.has('handler')) {
      throw new FaultError('incompatible', `${this.#name} exports no handler for messages.`);
    }
    await this.#call({ name: 'handle', topic, payload });
  }

  /** A message from another guest of the board, which does not learn what becomes of it. */
  hear(topic: string, payload: Uint8Array): void {
    const serving = this.#serving;
    if (serving?.has('handler') !== true || !this.#mayReceive(serving, topic)) return;
    this.#call({ name: 'handle', topic, payload }).catch(() => undefined);
  }

  /** Notes the grant that lets it. */
  #mayReceive({ spec }: Resident, topic: string): boolean {
    const filters = spec.grants.messaging?.subscribe ?? [];
    const covering = filters.find((filter) => filterCovers(filter, topic));
    if (covering === undefined) return false;
    this.#books.used([grantName.subscribe(covering)]);
    return true;
  }

  /** An edge on a line, for its handler; what nobody is there to hear of is gone. */
  edge(news: News): void {
    const serving = this.#serving;
    if (serving === undefined) return;
    const grant = serving.spec.grants.gpio?.find((each) => gpioLabel(each) === news.label);
    if (grant?.edges === undefined || !serving.has('handler')) return;
    this.#books.used([grantName.gpio(grant)]);
    const call = { name: 'handle', topic: gpioTopic(news.label), payload: edgePayload(news) } as const;
    this.#call(call).catch(() => undefined);
  }

  /** To the releases that serve or are kept warm, the one that serves first. */
  granted(): Grants[] {
    return [this.#serving, this.#previous].flatMap((resident) =>
      resident === undefined ? [] : [resident.spec.grants],
    );
  }

  async probe(): Promise<void> {
    if (this.#serving === undefined) throw notRunning(this.#name);
    try {
      const serving = this.#serving;
      await serving.check();
      serving.keepSnapshot?.();
    } catch (error) {
      this.#books.probeFailed();
      throw error;
    }
  }

  health(): AppHealth | undefined {
    const serving = this.#serving;
    if (serving === undefined) return undefined;
    return {
      app: this.#name,
      version: serving.spec.version,
      state: this.#stateOf(serving),
      memoryBytes: serving.memoryBytes,
      ...this.#books.take(serving),
      ...this.#crashLoopOf(serving),
      ...(this.#lastSwap === undefined ? {} : { lastSwap: this.#lastSwap }),
    };
  }

  memory(): Pick<AppHealth, 'app' | 'memoryBytes'> | undefined {
    if (this.#serving === undefined) return undefined;
    const memoryBytes = this.#serving.memoryBytes + (this.#previous?.memoryBytes ?? 0);
    return { app: this.#name, memoryBytes };
  }

  #crashLoopOf({ crashLoop }: Resident): Pick<AppHealth, 'crashLoop'> {
    if (crashLoop === undefined) return {};
    const nextTryAt = new Date(this.#wallNow() + crashLoop.nextTryInMs).toISOString();
    return { crashLoop: { failures: crashLoop.failures, nextTryAt } };
  }

  /** How the one that serves does, and how the one before did until it was replaced. */
  soakFigures(): { now: ReleaseFigures; before: ReleaseFigures } | undefined {
    if (this.#serving === undefined || this.#previous === undefined || this.#before === undefined)
      return undefined;
    return { now: this.#books.read(this.#serving), before: this.#before };
  }

  #swapped(figures: SwapFigures): SwapFigures {
    this.#lastSwap = { at: new Date(this.#wallNow()).toISOString(), figures };
    return figures;
  }

  #stateOf(serving: Resident): AppState {
    const { state } = serving;
    return state === 'running' && this.#previous !== undefined ? 'soaking' : state;
  }

  /** One piece of work for whoever serves; books it. */
  #call(call: GuestCall): Promise<void> {
    return new Promise((resolve, reject) => {
      const book = this.#books.called();
      const done = (answer: Answer): void => {
        book(answer);
        if (answer.status === 'returned') resolve();
        else reject(answer.fault);
      };
      const asked: Call = { call, isControl: false, done };
      if (this.#serving === undefined) reject(notRunning(this.#name));
      else this.#serving.enqueue(asked);
    });
  }

  async #unpark(previous: Resident): Promise<void> {
    try {
      await previous.unpark?.();
    } catch (error) {
      this.#previous = undefined;
      await this.#retire(previous);
      throw error;
    }
  }

  // Its parts ----------------------------------------------------------------------------------

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#lastChange.then(run);
    this.#lastChange = turn.catch(() => undefined);
    return turn;
  }

  /** After a swap the one that served stays warm; one that was kept from before goes. */
  #switchTo(resident: Resident): void {
    const older = this.#previous;
    this.#previous = this.#serving;
    const before = this.#previous && this.#books.read(this.#previous);
    this.#serve(resident);
    this.#before = before;
    this.#previous?.park?.();
    if (older !== undefined) void this.#retire(older);
  }

  #serve(resident: Resident | undefined): void {
    this.#serving = resident;
    this.#before = undefined;
    this.#books.begin(resident?.spec.health.soakMs ?? 0);
    this.#stopTriggers();
    if (resident === undefined) return;
    this.#stopTriggers = startTriggers(resident.spec.triggers, () => this.#tick(), this.#wallNow);
  }

  /** Ticks do not pile up behind a slow guest. Their faults are told by the resident. */
  #tick(): void {
    const canTick = this.#serving?.spec.world === 'command' || this.#serving?.has('timer') === true;
    if (this.#isTicking || !canTick) return;
    this.#isTicking = true;
    const over = (): void => void (this.#isTicking = false);
    this.#call({ name: 'tick' }).then(over, over);
  }
}
