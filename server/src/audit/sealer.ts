/**
 * The sealer: gives events their place in the chain, in batches, behind the changes that made them.
 *
 * An event is inserted by the statement of its change, without a hash. Hashing it there would need the
 * hash of the event before, so every change in the fleet would wait for every other (a lock held to the
 * end of each statement, deadlocks with the rows that it locks). The sealer instead reads the head and
 * what is not sealed, computes hashes, and writes them with one statement that names the head it read.
 * Events take the order in which they are sealed, so a late commit leaves no gap.
 *
 * The price: for about SEAL_EVERY an event is protected by the append-only trigger alone. Whoever is a
 * superuser of the database within that second can change it unseen.
 */
import { chainHash, type AuditHead } from '@wafer/protocol';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type { FastifyBaseLogger } from 'fastify';
import type { Keeper } from './keeper.ts';
import { hashAt, readHead, readUnsealed, sealBatch, type Seal } from './store.ts';

const SEAL_EVERY_MS = 1000;
const BATCH = 500;

export interface SealerParts {
  readonly db: PostgresJsDatabase;
  readonly keeper: Keeper;
  readonly log: FastifyBaseLogger;
}

export class Sealer {
  readonly #parts: SealerParts;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: SealerParts) {
    this.#parts = parts;
  }

  start(): void {
    const tick = (): Promise<void> =>
      this.seal().catch((error: unknown) => this.#parts.log.warn({ err: error }, 'audit events wait'));
    this.#timer = setInterval(() => void tick(), SEAL_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.seal().catch(() => undefined); // what is left is sealed at the next start
  }

  /** Until nothing is unsealed; whoever asks meanwhile waits for the same pass. */
  seal(): Promise<void> {
    this.#running ??= this.#sealAll().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #sealAll(): Promise<void> {
    const { db, keeper } = this.#parts;
    for (;;) {
      const events = await readUnsealed(db, BATCH);
      if (events.length === 0) return;
      const head = await readHead(db);
      const isWhole = await this.#holdsAnchor(head);
      const seals: Seal[] = [];
      let end = head;
      for (const event of events) {
        end = { seq: end.seq + 1, hash: chainHash(end, event) };
        seals.push({ ...end, id: event.id, signature: null });
      }
      seals[seals.length - 1] = { ...seals.at(-1), signature: keeper.sign(end) } as Seal;
      if ((await sealBatch(db, head, seals)) && isWhole) await keeper.writeAnchor(end);
    }
  }

  /** A chain that lost what was anchored is gone on with, loudly; the old anchor stays as the proof. */
  async #holdsAnchor(head: AuditHead): Promise<boolean> {
    const { db, keeper, log } = this.#parts;
    const anchor = await keeper.readAnchor();
    if (anchor === undefined || (await hashAt(db, anchor.seq)) === anchor.hash) return true;
    log.error({ anchor, head }, 'the audit chain does not hold the head that was written down');
    return false;
  }
}
