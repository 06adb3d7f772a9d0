/**
 * The main thread's hold on the network thread. It starts with the first guest that was granted `http` and
 * ends a while after the last has gone, so a board whose apps need no network pays nothing for it.
 */
import { getCACertificates } from 'node:tls';
import { MessageChannel } from 'node:worker_threads';
import type { Grants } from '@wafer/protocol';
import { programUrl } from '../../programs.ts';
import { startSideThread, type SideThread } from '../side-thread.ts';
import type { Attach, HttpLine, Idle } from './port.ts';

/** Host memory of the thread, MiB; what is received waits outside of it, and is bounded by exchange. */
const HEAP_MIB = 64;

/** An app that runs for a moment every so often does not start a thread each time. */
const LINGER_MS = 10_000;

/** What the thread runs; tests bring a resolver and a certificate of their own. */
export interface NetworkThread {
  readonly main: URL;
  readonly data?: unknown;
  readonly lingerMs?: number;
}

/** What thread.ts is started with. */
export interface Trusted {
  readonly ca: string[];
}

/**
 * A thread with an environment and options of its own does not see the board's store where the process was
 * told to trust that, so it is told what the process trusts.
 */
function boardsOwn(): NetworkThread {
  const data: Trusted = { ca: getCACertificates('default') };
  return { main: programUrl('network'), data };
}

interface Network extends SideThread {
  attached: number;
  leaving: NodeJS.Timeout | undefined;
}

export interface Networks {
  /** Opens one guest's line; undefined when it was granted none. */
  readonly open: (grants: Grants) => HttpLine | undefined;
  /** Whether the thread is there. */
  isRunning(): boolean;
  close(): Promise<void>;
}

/** `thread` is asked for when there is one to start. */
export function createNetworks(thread: () => NetworkThread = boardsOwn): Networks {
  let network: Network | undefined;

  const end = async (which: Network): Promise<void> => {
    if (network === which) network = undefined;
    clearTimeout(which.leaving);
    which.port.close();
    await which.worker.terminate();
  };

  const start = (): Network => {
    const { main, data, lingerMs = LINGER_MS } = thread();
    const side = startSideThread(main, HEAP_MIB, data, () => void end(started));
    const started: Network = { ...side, attached: 0, leaving: undefined };
    side.port.on('message', ({ attached }: Idle) => {
      // A line that is on its way to the thread keeps it: it will say again when it is idle.
      if (attached !== started.attached) return;
      started.leaving = setTimeout(() => void end(started), lingerMs).unref();
    });
    return started;
  };

  return {
    open: ({ http }) => {
      if (http === undefined || http.length === 0) return undefined;
      network ??= start();
      clearTimeout(network.leaving);
      network.attached += 1;
      const { port1, port2 } = new MessageChannel();
      const signal = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
      const attach: Attach = { port: port2, signal, grants: http };
      network.port.postMessage(attach, [port2]);
      return { port: port1, signal };
    },
    isRunning: () => network !== undefined,
    close: async () => {
      if (network !== undefined) await end(network);
    },
  };
}
