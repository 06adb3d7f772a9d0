/** One process's hints, handed to whoever listens. */
import type { LiveEvent } from '@wafer/protocol';

export interface LiveHub {
  /** Never throws, never waits. */
  publish(event: LiveEvent): void;
  /** Returns how to stop. A listener that throws is left out and changes nothing for the others. */
  subscribe(listener: (event: LiveEvent) => void): () => void;
}

export function createLiveHub(): LiveHub {
  const listeners = new Set<(event: LiveEvent) => void>();
  return {
    publish(event) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch {
          listeners.delete(listener);
        }
      }
    },
    subscribe(listener) {
      // A function of its own, so that the same listener may be given twice.
      const own = (event: LiveEvent): void => listener(event);
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}
