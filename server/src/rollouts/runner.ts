/**
 * The effects: sends what the outbox says, and sweeps.
 *
 * INVARIANTS
 * - A row leaves the outbox only after the broker has taken the document (at least once).
 * - One drain runs at a time; a wake during it means one more after it.
 * - Nothing that fails ends the runner: the next poll tries again.
 */
import { Hours, Minutes, Seconds, type DeviceId, type Milliseconds } from '@wafer/protocol';
import { asc, sql } from 'drizzle-orm';
import type { Deps } from '../deps.ts';
import { alignEverything } from './assign.ts';
import { sendDesiredTo } from './send.ts';
import { timeOut } from './sweep.ts';
import { outbox } from './tables.ts';

const POLL = Seconds(1);
const SWEEP = Minutes(1);
/** Long before a desired state expires, so that a device that never reconnects never holds an old one. */
const REFRESH = Hours(24);
const BATCH = 200;

/** Sends one batch; true when there may be more. */
export async function drainOnce(deps: Deps): Promise<boolean> {
  const rows = await deps.db.select().from(outbox).orderBy(asc(outbox.id)).limit(BATCH);
  if (rows.length === 0) return false;
  const ids = [...new Set(rows.map(({ device }) => device))];
  await sendDesiredTo(deps, ids);
  await deps.db.execute(sql`
    delete from outbox
    where id in (select jsonb_array_elements_text(${JSON.stringify(rows.map(({ id }) => id))}::jsonb)::bigint)`);
  for (const device of ids) deps.live.publish({ type: 'device', device });
  return rows.length === BATCH;
}

export async function sweepOnce(deps: Deps): Promise<void> {
  await alignEverything(deps);
  for (const device of await timeOut(deps)) deps.live.publish({ type: 'device', device });
}

export class Runner {
  readonly #deps: Deps;
  readonly #timers: NodeJS.Timeout[] = [];
  #running: Promise<void> | undefined;
  #again = false;
  #failing = false;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  start(): void {
    const sweep = this.#guarded(() => sweepOnce(this.#deps));
    const refresh = this.#guarded(() => this.#refresh());
    this.#every(POLL, () => this.wake());
    this.#every(SWEEP, () => void sweep());
    this.#every(REFRESH, () => void refresh());
    this.wake();
  }

  /** A hint that the outbox has rows; returns at once. */
  wake(): void {
    this.#again = true;
    this.#running ??= this.#drain().finally(() => (this.#running = undefined));
  }

  /** Ends the timers and waits for the batch under way. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#again = false;
    await this.#running;
  }

  #every(period: Milliseconds, run: () => void): void {
    this.#timers.push(setInterval(run, period));
  }

  async #drain(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#guarded(async () => {
        if (await drainOnce(this.#deps)) this.#again = true;
      })();
    }
  }

  async #refresh(): Promise<void> {
    const online: readonly DeviceId[] = this.#deps.bus.online();
    for (let at = 0; at < online.length; at += BATCH)
      await sendDesiredTo(this.#deps, online.slice(at, at + BATCH));
  }

  /** An outage is told when it begins and when it ends, not once a second. */
  #guarded(run: () => Promise<void>): () => Promise<void> {
    return async () => {
      try {
        await run();
        if (this.#failing) this.#deps.log.info('rollouts run again');
        this.#failing = false;
      } catch (error) {
        if (!this.#failing)
          this.#deps.log.error({ err: error }, 'rollouts wait for the database or the broker');
        this.#failing = true;
      }
    };
  }
}
