/**
 * The live stream: one EventSource for the page. Hints are gathered for a moment and acted on
 * together; after every reconnect everything is read again, because hints may have been missed.
 */
import { API_ROOT, LiveEvent } from '@wafer/protocol/api';
import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { createContext, use, useEffect, useState, type ReactNode } from 'react';
import { applyBatch } from './fleet-cache.ts';
import { gather } from './hints.ts';
import { keys } from './queries.ts';

export type LiveState = 'connecting' | 'live' | 'reconnecting';
const LiveContext = createContext<LiveState>('connecting');
export const useLive = (): LiveState => use(LiveContext);

const GATHER_MS = 250;
const RETRY_MS = 3000;
/** Hints stop while the stream is down; then the page asks by itself this often. */
const POLL_MS = 15_000;

/** Gathers hints and acts on them together; returns how to add one and how to stop. */
function hintQueue(client: QueryClient) {
  let waiting: LiveEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    const batch = gather(waiting);
    waiting = [];
    void applyBatch(client, batch, Date.now());
  };
  return {
    add(event: LiveEvent) {
      waiting.push(event);
      timer ??= setTimeout(flush, GATHER_MS);
    },
    stop: () => clearTimeout(timer),
  };
}

function parseHint(data: unknown): LiveEvent | undefined {
  try {
    return LiveEvent.parse(JSON.parse(String(data)));
  } catch {
    return undefined;
  }
}

/** Keeps a stream open until the returned function is called. */
function openStream(client: QueryClient, onState: (state: LiveState) => void): () => void {
  const queue = hintQueue(client);
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let wasOpen = false;
  const connect = () => {
    const stream = new EventSource(`${API_ROOT}/events`);
    source = stream;
    stream.onopen = () => {
      onState('live');
      if (wasOpen) queue.add({ type: 'resync' });
      wasOpen = true;
    };
    const take = ({ data }: MessageEvent) => {
      const hint = parseHint(data);
      if (hint) queue.add(hint);
    };
    stream.addEventListener('message', take);
    for (const { shape } of LiveEvent.options) stream.addEventListener(shape.type.value, take);
    stream.onerror = () => {
      onState('reconnecting');
      // the browser retries by itself unless the server refused; then ask whether we are signed in
      if (stream.readyState !== EventSource.CLOSED) return;
      void client.invalidateQueries({ queryKey: keys.me });
      retry = setTimeout(connect, RETRY_MS);
    };
  };
  connect();
  return () => {
    clearTimeout(retry);
    source?.close();
    queue.stop();
  };
}

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<LiveState>('connecting');
  useEffect(() => openStream(client, setState), [client]);
  useEffect(() => {
    if (state !== 'reconnecting') return undefined;
    const timer = setInterval(() => void client.invalidateQueries(), POLL_MS);
    return () => clearInterval(timer);
  }, [client, state]);
  return <LiveContext value={state}>{children}</LiveContext>;
}
