/**
 * The one writer of reports: while a statement is under way the next ones gather, so the batch grows
 * with the load and a lonely report waits for nobody. An acknowledgement goes out only after the
 * statement has committed; when it failed there is none, and the device sends again.
 */
import { deviceTopic, type Clock, type DeviceId, type Report } from '@wafer/protocol';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { isUnavailable } from '../db/failures.ts';
import type { LiveHub } from '../live/index.ts';
import type { Bus } from '../mqtt/bus.ts';
import { untilNoDeadlock } from '../rollouts/index.ts';
import { takeBatch, type Pending } from './report.ts';
import { storeReports } from './report-store.ts';

const MAX_BATCH = 256;

export interface ReportWriter {
  /** Resolves when all are in Postgres and acknowledged; rejects when one is not. */
  write(device: DeviceId, reports: readonly Report[]): Promise<void>;
}

interface Waiting extends Pending {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface WriterOptions {
  readonly db: PostgresJsDatabase;
  readonly bus: Pick<Bus, 'publish'>;
  readonly live: LiveHub;
  readonly clock: Clock;
}

export function createReportWriter(options: WriterOptions): ReportWriter {
  let queue: Waiting[] = [];
  let isWriting = false;

  async function drain(): Promise<void> {
    isWriting = true;
    while (queue.length > 0) {
      const { batch, rest } = takeBatch(queue, MAX_BATCH);
      queue = rest;
      await settle(batch, options);
    }
    isWriting = false;
  }

  return {
    async write(device, reports) {
      const written = reports.map(
        (report) => new Promise<void>((resolve, reject) => queue.push({ device, report, resolve, reject })),
      );
      if (!isWriting) void drain();
      await Promise.all(written);
    },
  };
}

/** Never rejects. */
async function settle(batch: readonly Waiting[], options: WriterOptions): Promise<void> {
  try {
    await store(batch, options);
    for (const { resolve } of batch) resolve();
  } catch (error) {
    if (batch.length === 1 || isUnavailable(error)) {
      for (const { reject } of batch) reject(error);
      return;
    }
    // One that Postgres cannot take must not hold up its neighbours.
    for (const item of batch) await settle([item], options);
  }
}

async function store(batch: readonly Pending[], { db, bus, live, clock }: WriterOptions): Promise<void> {
  const acknowledged = await untilNoDeadlock(() => storeReports(db, batch, clock.now()));
  for (const { device, number, isNew } of acknowledged) {
    await bus.publish(deviceTopic(device, 'ack'), JSON.stringify({ number }), { qos: 0 });
    if (isNew) live.publish({ type: 'device', device });
  }
}
