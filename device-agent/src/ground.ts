/**
 * What an agent stands on: where it keeps things, what it measures, and what makes it look again. On a
 * board all of it is a folder, the operating system and timers, and the agent opens it by itself; for
 * others, such as the devices of a simulated fleet, it is given. It never decides anything: whatever
 * stands below, the same orders are judged and planned in the same way.
 */
import type { AppHealth } from '@wafer/protocol';
import type { Fetch } from './apps/fetch.ts';
import type { Components } from './apps/store.ts';
import type { HealthSource } from './health.ts';
import type { Inventory } from './inventory.ts';
import type { TrustedClock } from './link/clock.ts';
import type { Reports } from './link/outbox.ts';
import type { openSecure } from './link/secure.ts';
import type { Idle } from './state/grant-use.ts';
import type { JournalState } from './state/journal.ts';
import type { Slots } from './state/slots.ts';
import type { VerifierOf } from './trust/chain.ts';
import type { FloorTable } from './trust/floors.ts';
import type { MetadataStore } from './trust/generations.ts';

/** What the agent does over and over, each at its own pace. */
export interface Ticks {
  /** Probes who is due, and plans again. */
  look(): void;
  /** Sends again, tries again, renews. */
  tend(): void;
  tellHealth(): void;
}

/** Begins to tick; what it answers ends that. */
export type Pace = (ticks: Ticks) => () => void;

export interface Ground {
  readonly clock: TrustedClock;
  readonly outbox: Reports;
  readonly journal: Slots<JournalState>;
  readonly floors: Slots<FloorTable>;
  readonly grantUse: Slots<Idle>;
  readonly metadata: { readonly store: MetadataStore; readonly verifierOf: VerifierOf };
  readonly components: { readonly store: Components; readonly fetch: Fetch };
  readonly connect: typeof openSecure;
  readonly keepCertificate: (certificate: string) => Promise<void>;
  readonly health: (apps: () => AppHealth[]) => HealthSource;
  readonly inventory: Inventory;
  readonly pace: Pace;
}

const TICK_MS = 250;
const SECOND_MS = 1000;

/** A board's own: by timers. */
export const byTimers =
  (healthEveryMs: number): Pace =>
  (ticks) => {
    const timers = [
      setInterval(() => ticks.look(), TICK_MS),
      setInterval(() => ticks.tend(), SECOND_MS),
      setInterval(() => ticks.tellHealth(), healthEveryMs),
    ];
    return () => {
      for (const timer of timers) clearInterval(timer);
    };
  };
