/**
 * From a signed document to verdicts that the plan can use. One document is judged at a time, and
 * only the newest of those that wait: older ones are not worth the refresh.
 *
 * A document that could not be judged (no link, metadata that does not verify or has expired) is
 * kept and judged again later; nothing changes meanwhile. One that was judged and refused is
 * reported and forgotten. What was accepted is written down before it is acted on, and judged anew
 * from disk after a boot, as of the metadata that verified last, so it needs no network.
 *
 * Verdicts are good until the document or the first of the metadata expires: whoever withholds what is newer
 * holds a board at what it runs, and cannot have it finish what may have been taken back meanwhile. Then
 * the document is judged again by metadata of that day; until it is, nothing new is done.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type AppName,
  type Clock,
  DesiredEnvelope,
  type DeviceId,
  type Fault,
  FaultError,
  type Policy,
} from '@wafer/protocol';
import type { Log } from '../log.ts';
import { judgeDesired, type Verdict } from '../trust/desired.ts';
import type { Floors } from '../trust/floors.ts';
import type { TargetView, Trust } from '../trust/updater.ts';
import { asFault, retryDelayMs } from './failing.ts';
import type { Journal } from './journal.ts';

/** Metadata that does not verify may do so after the server mended it. */
const MEND_MS = 60_000;

/** What expired is judged again this often. */
const AGAIN_MS = 600_000;

interface Judged {
  readonly verdicts: ReadonlyMap<AppName, Verdict>;
  /** ms since 1970. */
  readonly expires: number;
}

export interface OrdersOptions {
  readonly device: DeviceId;
  readonly policy: Policy;
  readonly trust: Trust;
  readonly floors: Floors;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  /** Why this board refuses the app, whatever is ordered. */
  readonly refusalOf?: ((app: AppName) => Fault | undefined) | undefined;
  readonly reportFault: (fault: Fault) => void;
  /** The verdicts changed. */
  readonly wake: () => void;
}

export class Orders {
  readonly #options: OrdersOptions;
  #judged: Judged | undefined;
  #againAt = 0;
  #waiting: DesiredEnvelope | undefined;
  #retryAt = 0;
  #failures = 0;
  #isClosed = false;
  #judging: Promise<void> | undefined;

  constructor(options: OrdersOptions) {
    this.#options = options;
  }

  /** Undefined until a document was accepted, or judged anew from disk, and when that has expired. */
  get verdicts(): ReadonlyMap<AppName, Verdict> | undefined {
    return this.#isStale() ? undefined : this.#judged?.verdicts;
  }

  #isStale(): boolean {
    return this.#judged !== undefined && this.#judged.expires <= this.#options.clock.now();
  }

  /** What was accepted before the boot, judged by what is on disk. Never rejects. */
  async restore(): Promise<void> {
    const { journal, trust, log } = this.#options;
    const { desired } = journal.state;
    if (desired === null) return;
    try {
      this.#judged = await trust.offline((view) => this.#judge(desired, view));
    } catch (error) {
      log('warn', 'what was ordered before is not acted on until the server says it again', {
        fault: asFault(error, 'signature'),
      });
    }
  }

  /** A payload from the topic `desired`. False when it is no such document. */
  receive(payload: Buffer): boolean {
    let document: unknown;
    try {
      document = JSON.parse(payload.toString('utf8'));
    } catch {
      return false;
    }
    const parsed = DesiredEnvelope.safeParse(document);
    if (!parsed.success) return false;
    this.#waiting = parsed.data;
    this.#retryAt = 0;
    this.tick();
    return true;
  }

  /** Call now and then, and after a connect: judges what waits, when its time has come. */
  tick(): void {
    if (this.#isClosed || this.#judging !== undefined) return;
    const now = this.#options.clock.now();
    if (this.#waiting === undefined && this.#isStale() && now >= this.#againAt) {
      this.#waiting = this.#options.journal.state.desired ?? undefined;
      this.#againAt = now + AGAIN_MS;
    }
    if (this.#waiting === undefined || now < this.#retryAt) return;
    this.#judging = this.#judgeWaiting().finally(() => {
      this.#judging = undefined;
      this.tick();
    });
  }

  /** The link is back: what failed for its lack need not wait. */
  retryNow(): void {
    this.#retryAt = 0;
    this.tick();
  }

  /** Judges nothing from now on; resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#judging;
  }

  async #judgeWaiting(): Promise<void> {
    const document = this.#waiting;
    if (document === undefined) return;
    const { trust, journal, clock, wake } = this.#options;
    let judged = false;
    try {
      const outcome = await trust.refresh(async (view) => {
        judged = true;
        return this.#judge(document, view);
      });
      if (!isDeepStrictEqual(journal.state.desired, document)) await journal.accept(document);
      this.#judged = outcome;
      this.#againAt = 0;
      this.#done(document);
      wake();
    } catch (error) {
      // What was broken off because the agent leaves is judged by the next start.
      if (this.#isClosed) return;
      const fault = asFault(error, 'disk');
      if (!(error instanceof FaultError))
        this.#options.log('error', 'judging failed', { error: String(error) });
      // That there is no link is no news of an order that was accepted before.
      if (fault.kind !== 'link' || document !== journal.state.desired) this.#options.reportFault(fault);
      // Refused for what it says, rather than for want of a link or of sound metadata.
      if (judged && fault.kind !== 'link') this.#done(document);
      this.#failures += 1;
      // A document that came meanwhile is worth a try at once.
      if (this.#waiting !== document) return;
      this.#retryAt = clock.now() + (fault.kind === 'link' ? retryDelayMs(this.#failures) : MEND_MS);
    }
  }

  #done(document: DesiredEnvelope): void {
    this.#failures = 0;
    if (this.#waiting === document) this.#waiting = undefined;
    else this.#retryAt = 0;
  }

  async #judge(document: DesiredEnvelope, view: TargetView): Promise<Judged> {
    const { device, policy, floors, clock, journal, refusalOf } = this.#options;
    const last = journal.state.desired ?? undefined;
    const now = clock.now();
    const verdicts = await judgeDesired(document, { view, device, policy, floors, now, last, refusalOf });
    return {
      verdicts: new Map(verdicts.map((verdict) => [verdict.order.app, verdict])),
      expires: Math.min(view.expires(), expiryOf(document)),
    };
  }
}

/** It was judged, so it says when. */
const expiryOf = ({ signed }: DesiredEnvelope): number => Date.parse(String(signed['expires']));
