/** The agent's own log: one JSON object a line on stderr. Never carries keys, tokens or payloads. */
import { isoNow, type Clock } from '@wafer/protocol';

type Level = 'debug' | 'info' | 'warn' | 'error';

export interface Log {
  (level: Level, message: string, details?: Readonly<Record<string, unknown>>): void;
}

/** What is said of something thrown: a message in production, never a stack on the wire. */
export const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const stderrLog =
  (clock: Clock): Log =>
  (level, message, details = {}) => {
    process.stderr.write(`${JSON.stringify({ at: isoNow(clock), level, message, ...details })}\n`);
  };

export const silentLog: Log = () => {};
