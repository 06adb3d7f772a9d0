/** Instants that stay true while the page is open: one ticker for all of them. */
import { useSyncExternalStore } from 'react';
import { ago, fullTime, span } from '../format/time.ts';

const TICK_MS = 1000;
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    now = Date.now();
    timer = setInterval(() => {
      now = Date.now();
      for (const each of listeners) each();
    }, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** Renders again only when the words change. */
const useAgo = (thenMs: number): string => useSyncExternalStore(subscribe, () => ago(thenMs, now));

export function When({ at }: { at: string }) {
  const thenMs = Date.parse(at);
  const text = useAgo(thenMs);
  return (
    <time dateTime={at} title={fullTime(thenMs)} className="numeric" style={{ whiteSpace: 'nowrap' }}>
      {text}
    </time>
  );
}

/** How long it still is until then; nothing once it has come. */
export function Until({ at }: { at: number }) {
  const text = useSyncExternalStore(subscribe, () => (at > now ? span(Math.ceil((at - now) / 1000)) : ''));
  if (text === '') return null;
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)} className="numeric">
      {text}
    </time>
  );
}
