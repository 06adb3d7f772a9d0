/**
 * How long each grant has lain unused, so that the fleet can be told which to narrow.
 *
 * What counts is time in which the app ran, on a clock that only goes forward: a board that was switched
 * off, or one that learns the date late, has no unused grants for that. A grant begins anew when it is
 * given; one that stays while others change keeps its time.
 *
 * It outlives the agent in DIR/grant-use.{a,b}. Cards wear out by writing, so that is written at most once
 * in an hour of running, and besides only when a grant was used that is on disk as long unused. A cut costs
 * an hour of counting at most.
 */
import { join } from 'node:path';
import { AppName, grantNames, type AppHealth, type Grants } from '@wafer/protocol';
import { z } from 'zod';
import { SlotFile, type Slots } from './slots.ts';

const HOUR_MS = 3_600_000;
/** Suggestions of one app. */
const MAX_SUGGESTED = 16;

/** Grant → ms of running without it, for each app. */
const Idle = z.record(AppName, z.record(z.string(), z.number().min(0)));
export type Idle = Partial<Record<AppName, Record<string, number>>>;

export interface GrantUseOptions {
  readonly folder: string;
  /** Instead of the slots in the folder. */
  readonly slots?: Slots<Idle> | undefined;
  /** What an app was granted; undefined when it is not installed. */
  readonly grantsOf: (app: AppName) => Grants | undefined;
  readonly suggestAfterHours: number;
  /** A steady clock, ms. */
  readonly now: () => number;
  readonly onDiskError: (error: unknown) => void;
}

export class GrantUse {
  readonly #options: GrantUseOptions;
  readonly #file: Slots<Idle>;
  readonly #idle = new Map<AppName, Map<string, number>>();
  #seenAt: number;
  /** Running time since it was written, ms. */
  #unwrittenMs = 0;
  #isUrgent = false;

  private constructor(options: GrantUseOptions, file: Slots<Idle>) {
    this.#options = options;
    this.#file = file;
    this.#seenAt = options.now();
    for (const [app, idle] of Object.entries(file.value) as [AppName, Record<string, number>][]) {
      this.#idle.set(app, new Map(Object.entries(idle)));
    }
  }

  static async open(options: GrantUseOptions): Promise<GrantUse> {
    const path = join(options.folder, 'grant-use');
    return new GrantUse(options, options.slots ?? (await SlotFile.open<Idle>(path, Idle, {})));
  }

  used(app: AppName, grants: readonly string[]): void {
    const idle = this.#idle.get(app);
    const written = this.#file.value[app];
    for (const grant of grants) {
      if (idle?.has(grant) === true) idle.set(grant, 0);
      if ((written?.[grant] ?? 0) >= HOUR_MS) this.#isUrgent = true;
    }
  }

  /** Call it with every health report: counts the time since the last one, and adds what lies unused. */
  tell(apps: readonly AppHealth[]): AppHealth[] {
    const { now, suggestAfterHours, grantsOf } = this.#options;
    const at = now();
    const passedMs = Math.max(0, at - this.#seenAt);
    this.#seenAt = at;
    for (const app of this.#idle.keys()) if (grantsOf(app) === undefined) this.#idle.delete(app);
    const told = apps.map((health) => {
      const idle = this.#passed(health.app, health.state === 'failed' ? 0 : passedMs);
      const unused = [...idle].filter(([, ms]) => ms >= suggestAfterHours * HOUR_MS).map(([name]) => name);
      return unused.length === 0 ? health : { ...health, unusedGrants: unused.slice(0, MAX_SUGGESTED) };
    });
    if (apps.length > 0) this.#unwrittenMs += passedMs;
    this.#write();
    return told;
  }

  /** The grants of an app as they are now, each with its time. */
  #passed(app: AppName, passedMs: number): ReadonlyMap<string, number> {
    const before = this.#idle.get(app);
    const names = grantNames(this.#options.grantsOf(app) ?? {});
    const idle = new Map(
      names.map((name) => {
        const known = before?.get(name);
        return [name, known === undefined ? 0 : known + passedMs];
      }),
    );
    this.#idle.set(app, idle);
    return idle;
  }

  #write(): void {
    if (this.#unwrittenMs < HOUR_MS && !this.#isUrgent) return;
    this.#unwrittenMs = 0;
    this.#isUrgent = false;
    const idle = Object.fromEntries([...this.#idle].map(([app, of]) => [app, Object.fromEntries(of)]));
    this.#file.write(idle).catch(this.#options.onDiskError);
  }
}
