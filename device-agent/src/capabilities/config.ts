/** wasi:config — the app's configuration from the desired state, and nothing of the host's. */
import type { Host } from './host.ts';

export function createConfig(host: Host): Record<string, object> {
  const entries = new Map(Object.entries(host.config));
  return {
    'wasi:config/store': {
      get: (key: string) => entries.get(key),
      getAll: () => [...entries].map(([key, value]): [string, string] => [key, value]),
    },
  };
}
