/**
 * What is: the journal's word, what lies on disk, and what only this process knows (which instance
 * serves, what is prepared, which faults came during a soak, when to try again).
 */
import {
  beyondPolicy,
  type AppName,
  type Digest,
  type ExecutionId,
  type Fault,
  type Policy,
} from '@wafer/protocol';
import type { Prepared } from '../apps/runtime.ts';
import type { Components } from '../apps/store.ts';
import type { Floors } from '../trust/floors.ts';
import type { Journal } from './journal.ts';
import type { Actual, AppActual, Desired } from './plan.ts';

/** One app, as far as memory goes. */
export interface Notes {
  serving: ExecutionId | undefined;
  /** The instance before is still there to go back to at once. */
  warm: boolean;
  soakFaults: Fault[];
  bringAfter: number;
  keepAfter: number;
  /** Failures in a row of what is installed, and of what is being brought. */
  keepFailures: number;
  bringFailures: number;
  restartAsked: boolean;
  isStopped: boolean;
  /** Why it is to go now: the board's memory runs out. */
  relief: Fault | undefined;
  /** How often it went for that, one soon after the other, and when it did last, ms since 1970. */
  reliefs: number;
  relievedAt: number;
}

export class Senses {
  readonly prepared = new Map<Digest, Prepared>();
  /** Components under way, whose part files must stay. */
  readonly fetching = new Set<Digest>();
  readonly #notes = new Map<AppName, Notes>();

  of(app: AppName): Notes {
    let notes = this.#notes.get(app);
    if (notes === undefined) {
      notes = {
        serving: undefined,
        warm: false,
        soakFaults: [],
        bringAfter: 0,
        keepAfter: 0,
        keepFailures: 0,
        bringFailures: 0,
        restartAsked: false,
        isStopped: false,
        relief: undefined,
        reliefs: 0,
        relievedAt: 0,
      };
      this.#notes.set(app, notes);
    }
    return notes;
  }

  forget(app: AppName): void {
    this.#notes.delete(app);
  }
}

export interface Sensed {
  readonly journal: Journal;
  readonly senses: Senses;
  readonly store: Components;
  readonly floors: Floors;
  /** Why this board refuses the app, whatever is ordered. */
  readonly refusalOf?: ((app: AppName) => Fault | undefined) | undefined;
  /** Whether nothing is to be started for want of memory. */
  readonly isMemoryShort?: () => boolean;
}

/** Everything that `plan` wants to know; the disk is asked first, the rest is one instant. */
export async function sample(sensed: Sensed, policy: Policy, wanted: ReadonlySet<Digest>): Promise<Actual> {
  const { journal, senses, store, floors, refusalOf } = sensed;
  const blobs = new Set<Digest>();
  for (const digest of wanted) if (await store.has(digest)) blobs.add(digest);
  const apps = new Map<AppName, AppActual>();
  for (const app of Object.keys(journal.state.apps) as AppName[]) {
    const notes = senses.of(app);
    const record = journal.record(app);
    apps.set(app, {
      record,
      serving: notes.serving,
      soakFaults: [...notes.soakFaults],
      bringAfter: notes.bringAfter,
      keepAfter: notes.keepAfter,
      restartAsked: notes.restartAsked,
      floor: floors.of(app),
      forbidden:
        record.current === null
          ? undefined
          : (refusalOf?.(app) ?? beyondPolicy(record.current.order, policy)),
      isStopped: notes.isStopped,
      relief: notes.relief,
    });
  }
  return {
    apps,
    blobs,
    prepared: new Set(senses.prepared.keys()),
    ended: new Set(journal.state.ended.map(({ execution }) => execution)),
    isMemoryShort: sensed.isMemoryShort?.() === true,
  };
}

/** Components that must stay on disk: installed, gone back to, being brought, ordered. */
export function wantedDigests({ journal, senses }: Sensed, desired: Desired): Set<Digest> {
  const wanted = new Set(senses.fetching);
  for (const app of Object.keys(journal.state.apps) as AppName[]) {
    const { current, previous, attempt } = journal.record(app);
    for (const release of [current, previous, attempt?.release]) {
      if (release) wanted.add(release.order.target.sha256);
    }
  }
  for (const verdict of desired?.values() ?? []) {
    if (verdict.kind === 'admitted') wanted.add(verdict.order.target.sha256);
  }
  return wanted;
}
