/**
 * What the agent must still know after the power went: the order that it accepted, what each app
 * runs, what it ran before, what is being brought, and which executions ended badly. One value in
 * two checksummed slots (DIR/state.{a,b}), so a cut leaves the state before a change or after it.
 *
 * A change and the reports that it calls for are one write: reports wait in `events` until the
 * outbox has them, and are handed over again after a cut in between (twice received counts once).
 *
 * The journal is believed as the agent's own disk is: whoever can write it could replace the agent.
 * All the same, bytes are hashed whenever they are read, and floors are asked at every start.
 */
import { join } from 'node:path';
import {
  AppName,
  DesiredApp,
  DesiredEnvelope,
  ExecutionId,
  ExecutionStage,
  Fault,
  ReleaseCustom,
  ReportEvent,
  SwapFigures,
} from '@wafer/protocol';
import { z } from 'zod';
import { readSlots, SlotFile, type Slots } from './slots.ts';

/** A release as it was ordered, and as its publisher signed it. */
export const Release = z.strictObject({ order: DesiredApp, custom: ReleaseCustom });
export type Release = z.infer<typeof Release>;

const Attempt = z.strictObject({
  release: Release,
  stage: ExecutionStage,
  /** Starts that were begun; more than one means that the agent went down during one. */
  starts: z.number().int().min(0),
});

const Soak = z.strictObject({
  /** ms since 1970. */
  until: z.number(),
  /** Starts of the agent since the switch. */
  boots: z.number().int().min(0),
  figures: SwapFigures,
});

export const AppRecord = z.strictObject({
  /** What serves, or should. Between the switch and the end of the soak it is the candidate. */
  current: Release.nullable(),
  /** What served before; kept on disk to go back to. */
  previous: Release.nullable(),
  /** What is being brought; null once it serves. */
  attempt: Attempt.nullable(),
  /** Present while `current` still has to prove itself. */
  soak: Soak.nullable(),
});
export type AppRecord = z.infer<typeof AppRecord>;

export const EMPTY_RECORD: AppRecord = { current: null, previous: null, attempt: null, soak: null };

/** An execution that is over and is never tried again, whatever is ordered. */
const Ended = z.strictObject({
  execution: ExecutionId,
  state: z.enum(['FAILED', 'REJECTED', 'ROLLED_BACK']),
  fault: Fault,
});
export type Ended = z.infer<typeof Ended>;

/** Executions that are remembered; far more than a desired state can name. */
const MAX_ENDED = 256;

export const JournalState = z.strictObject({
  /** As it was signed, so that it still verifies when this agent is a newer one. */
  desired: DesiredEnvelope.nullable(),
  apps: z.record(AppName, AppRecord),
  ended: z.array(Ended),
  events: z.array(ReportEvent),
});
export type JournalState = Omit<z.infer<typeof JournalState>, 'apps'> & {
  apps: Partial<Record<AppName, AppRecord>>;
};

export const EMPTY_JOURNAL: JournalState = { desired: null, apps: {}, ended: [], events: [] };

/** What the journal holds, without opening it for writing. */
export const readJournal = async (folder: string): Promise<JournalState> =>
  (await readSlots<JournalState>(join(folder, 'state'), JournalState)) ?? EMPTY_JOURNAL;

export interface JournalOptions {
  readonly folder: string;
  /** Instead of the slots in the folder. */
  readonly slots?: Slots<JournalState> | undefined;
  /** Takes a report for good: resolves when it is in the outbox. */
  readonly deliver: (event: ReportEvent) => Promise<unknown>;
  /** The disk refused; the agent goes on from memory. */
  readonly onDiskError: (error: unknown) => void;
}

export class Journal {
  readonly #slots: Slots<JournalState>;
  readonly #options: JournalOptions;

  private constructor(slots: Slots<JournalState>, options: JournalOptions) {
    this.#slots = slots;
    this.#options = options;
  }

  static async open(options: JournalOptions): Promise<Journal> {
    const path = join(options.folder, 'state');
    const slots = options.slots ?? (await SlotFile.open<JournalState>(path, JournalState, EMPTY_JOURNAL));
    return new Journal(slots, options);
  }

  get state(): JournalState {
    return this.#slots.value;
  }

  record(app: AppName): AppRecord {
    return this.state.apps[app] ?? EMPTY_RECORD;
  }

  /** Hands over what a power cut kept from the outbox. */
  async deliverLeftovers(): Promise<void> {
    if (this.state.events.length > 0) await this.#deliver([...this.state.events]);
  }

  accept(desired: DesiredEnvelope): Promise<void> {
    return this.#write({ ...this.state, desired }, []);
  }

  /** Changes one app; `undefined` forgets it. Resolves when it is on disk and its reports are too. */
  change(
    app: AppName,
    record: AppRecord | undefined,
    events: ReportEvent[] = [],
    ended?: Ended,
  ): Promise<void> {
    const { [app]: _, ...others } = this.state.apps;
    return this.#write(
      {
        ...this.state,
        apps: record === undefined ? others : { ...others, [app]: record },
        ended: ended === undefined ? this.state.ended : [...this.state.ended, ended].slice(-MAX_ENDED),
      },
      events,
    );
  }

  async #write(state: JournalState, events: ReportEvent[]): Promise<void> {
    try {
      await this.#slots.write({ ...state, events: [...state.events, ...events] });
    } catch (error) {
      this.#options.onDiskError(error);
    }
    if (events.length > 0) await this.#deliver(events);
  }

  async #deliver(events: readonly ReportEvent[]): Promise<void> {
    try {
      for (const event of events) await this.#options.deliver(event);
      const left = this.state.events.filter((event) => !events.includes(event));
      await this.#slots.write({ ...this.state, events: left });
    } catch (error) {
      this.#options.onDiskError(error);
    }
  }
}
