/** What devices send, from the bus into buffers and the report writer. */
import {
  AppName,
  HealthReport,
  LogLines,
  Milliseconds,
  ReportMessage,
  Seconds,
  WaferError,
  type DeviceId,
} from '@wafer/protocol';
import type { Deps } from '../deps.ts';
import type { Incoming } from '../mqtt/bus.ts';
import { parsePayload } from '../mqtt/payload.ts';
import { createTally } from '../mqtt/tally.ts';
import { untilNoDeadlock } from '../rollouts/index.ts';
import { WriteBuffer } from './buffer.ts';
import { plausibleInstant } from './report.ts';
import { createReportWriter } from './report-writer.ts';
import {
  storeGuestMessages,
  storeHealth,
  storeLogs,
  type GuestRow,
  type HealthRow,
  type LogRow,
} from './store.ts';

const MAX_ROWS = 500;
const MAX_DELAY = Milliseconds(250);
/** A page is told of a guest's messages no more often than this. */
const GUEST_HINT_EVERY = Seconds(1);
/** Largest message of a guest that is kept, bytes. */
const MAX_GUEST_BYTES = 16 * 1024;
/** As long as a topic in a grant may be. */
const MAX_GUEST_TOPIC = 200;

export interface Receiver {
  /** Writes what is held, as far as the database takes it. */
  close(): Promise<void>;
}

type Parts = Pick<Deps, 'bus' | 'clock' | 'db' | 'live' | 'log'>;

/** Takes over the kinds report, health, log and guest of the bus. */
export function receiveTelemetry(parts: Parts): Receiver {
  const { bus, clock, db, live, log } = parts;
  const tally = createTally(log, clock);
  const writer = createReportWriter(parts);
  const buffer = <Row extends { device: DeviceId }>(
    what: string,
    maxHeld: number,
    write: (rows: readonly Row[]) => Promise<void>,
  ) =>
    new WriteBuffer<Row>({
      write,
      maxHeld,
      maxRows: MAX_ROWS,
      maxDelayMs: MAX_DELAY,
      lost: (lost, err) => tally.count(`${what}-lost`, { lost, err }),
    });
  const health = buffer<HealthRow>('health', 5000, async (rows) => {
    const back = await untilNoDeadlock(() => storeHealth(db, rows));
    for (const device of back) live.publish({ type: 'device', device });
    for (const device of new Set(rows.map((row) => row.device))) live.publish({ type: 'health', device });
  });
  const logs = buffer<LogRow>('log', 20_000, (rows) => storeLogs(db, rows));
  const hinted = new Map<DeviceId, number>();
  const guests = buffer<GuestRow>('guest', 2000, async (rows) => {
    await storeGuestMessages(db, lastOfEachTopic(rows));
    const now = clock.now();
    for (const [device, at] of hinted) if (now - at >= GUEST_HINT_EVERY) hinted.delete(device);
    for (const device of new Set(rows.map((row) => row.device))) {
      if (hinted.has(device)) continue;
      hinted.set(device, now);
      live.publish({ type: 'health', device });
    }
  });
  const now = (): string => new Date(clock.now()).toISOString();

  bus.onMessage('report', async ({ device, payload }) => {
    await writer.write(device, parsePayload(ReportMessage, payload));
  });
  bus.onMessage('health', async ({ device, payload }) => {
    health.add({ device, received: now(), body: parsePayload(HealthReport, payload) });
  });
  bus.onMessage('log', async (message) => logs.add(...logRows(message, clock.now())));
  bus.onMessage('guest', async (message) => guests.add(guestRow(message, now())));

  return {
    async close() {
      await Promise.all([health.close(), logs.close(), guests.close()]);
    },
  };
}

/** What the budget on the device left out is a line, too, so that nobody looks for it. */
function logRows({ device, payload }: Incoming, now: number): LogRow[] {
  const { app, lines, dropped } = parsePayload(LogLines, payload);
  const rows = lines.map((line): LogRow => ({ ...line, device, app, at: plausibleInstant(line.at, now) }));
  if (dropped > 0)
    rows.push({
      device,
      app,
      at: new Date(now).toISOString(),
      level: 'warn',
      text: `${dropped} lines were over the budget and are not here`,
    });
  return rows;
}

function guestRow({ device, topic, payload }: Incoming, at: string): GuestRow {
  if (topic.kind !== 'guest') throw new Error('not a guest topic');
  const app = AppName.safeParse(topic.app);
  if (!app.success || topic.topic.length > MAX_GUEST_TOPIC)
    throw new WaferError('request.invalid', `no app has the topic ${topic.app}/${topic.topic.slice(0, 50)}`);
  if (payload.length > MAX_GUEST_BYTES)
    throw new WaferError('request.too-large', `a message on ${topic.topic} has ${payload.length} bytes`);
  return { device, app: app.data, topic: topic.topic, payload, at };
}

/** One statement cannot change a row twice. */
const lastOfEachTopic = (rows: readonly GuestRow[]): GuestRow[] => [
  ...new Map(rows.map((row) => [`${row.device}/${row.app}/${row.topic}`, row])).values(),
];
