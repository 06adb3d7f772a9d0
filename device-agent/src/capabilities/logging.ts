/** wasi:logging — log lines with a level, within the guest's budget. */
import type { LogLevel } from '@wafer/protocol';
import type { Host } from './host.ts';

/** Longest text of a line, characters; the protocol carries no more. */
const MAX_TEXT_CHARACTERS = 4000;

export const createLogging = (host: Host): Record<string, object> => ({
  'wasi:logging/logging': {
    log: (level: LogLevel, context: string, message: string) => {
      const text = context === '' ? message : `${context}: ${message}`;
      host.log(level, text.slice(0, MAX_TEXT_CHARACTERS));
    },
  },
});
