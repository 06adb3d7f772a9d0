/**
 * What guests say: log lines, gathered and sent at most once a second for each app, and bounded
 * while the board is offline (the oldest go, and are counted); and what is sent to them.
 */
import {
  AppName,
  guestTopic,
  MAX_PAYLOAD_BYTES,
  type DeviceId,
  type LogLevel,
  type LogLines,
} from '@wafer/protocol';

type Line = LogLines['lines'][number];

const MAX_LINES = 200;
const MAX_WAITING = 500;
const MAX_TEXT = 4000;
/** Room for the JSON around the lines. */
const BUDGET_BYTES = MAX_PAYLOAD_BYTES - 1024;

interface Waiting {
  lines: Line[];
  dropped: number;
}

export class LogBatches {
  readonly #waiting = new Map<AppName, Waiting>();

  add(app: AppName, lines: readonly { level: LogLevel; text: string; at: number }[], dropped: number): void {
    const waiting = this.#waiting.get(app) ?? { lines: [], dropped: 0 };
    this.#waiting.set(app, waiting);
    for (const { level, text, at } of lines) {
      waiting.lines.push({ at: new Date(at).toISOString(), level, text: text.slice(0, MAX_TEXT) });
    }
    const over = Math.max(0, waiting.lines.length - MAX_WAITING);
    waiting.lines.splice(0, over);
    waiting.dropped += dropped + over;
  }

  /** One message for each app that has something to say; `send` returns false when it was not sent. */
  flush(send: (message: LogLines) => boolean): void {
    for (const [app, waiting] of this.#waiting) {
      const count = fitting(waiting.lines);
      if (count === 0) continue;
      const message = { app, lines: waiting.lines.slice(0, count), dropped: waiting.dropped };
      if (!send(message)) return;
      waiting.lines.splice(0, count);
      waiting.dropped = 0;
      if (waiting.lines.length === 0) this.#waiting.delete(app);
    }
  }
}

/** How many of the first lines fit in one message. */
function fitting(lines: readonly Line[]): number {
  let bytes = 0;
  let count = 0;
  for (const line of lines.slice(0, MAX_LINES)) {
    bytes += Buffer.byteLength(JSON.stringify(line)) + 1;
    if (bytes > BUDGET_BYTES) break;
    count += 1;
  }
  return count;
}

/** The app and its own topic, of a message that came down to a guest; undefined for other topics. */
export function parseGuestTopic(
  device: DeviceId,
  topic: string,
): { readonly app: AppName; readonly topic: string } | undefined {
  const [, , , , m, name, down, ...rest] = topic.split('/');
  const app = AppName.safeParse(name);
  if (m !== 'm' || down !== 'down' || rest.length === 0 || !app.success) return undefined;
  const own = rest.join('/');
  return guestTopic(device, app.data, 'down', own) === topic ? { app: app.data, topic: own } : undefined;
}
