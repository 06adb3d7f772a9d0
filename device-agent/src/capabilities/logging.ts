/** wasi:logging — log lines with a level, within the guest's budget. */
import type { LogLevel } from '@wafer/protocol';
import type { Host } from './host.ts';

export const createLogging = (host: Host): Record<string, object> => ({
  'wasi:logging/logging': {
    log: (level: LogLevel, context: string, message: string) => {
      const text = context === '' ? message : `${context}: ${message}`;
      host.log(level, text);
    },
  },
});
