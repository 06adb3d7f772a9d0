/**
 * What every listener of the embedded broker has, whoever may connect to it: the guard on frames, the
 * limits of time, and one place where errors end, so that no connection ends the process. Listeners
 * differ by their policy alone: embedded.ts has the devices', plain.ts one for interoperability tests.
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { MAX_TOPIC_LEVELS } from '@wafer/protocol';
import { Aedes, type AedesOptions, type Client } from 'aedes';
import { FRAME_LIMITS, guardFrames, type Gate } from './frames.ts';
import type { Tally } from './tally.ts';

/** Who may do what, and who is told. */
export interface BrokerPolicy {
  /** Of aedes: the hooks, and what they need. */
  readonly options: AedesOptions;
  /** Before the broker has the connection. */
  readonly guarded?: (connection: Socket, gate: Gate) => void;
  /** A PUBACK came. */
  readonly acknowledged?: (client: Client) => void;
  readonly connected?: (client: Client) => void;
  readonly disconnected?: (client: Client) => void;
}

export interface BrokerListener {
  /** Makes the listener; each connection goes to `serve`. */
  readonly listen: (serve: (socket: Socket) => void) => Server;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly policy: BrokerPolicy;
  readonly tally: Tally;
  readonly connectTimeoutMs: number;
}

export interface OpenBroker {
  readonly broker: Aedes;
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** How long a socket may stay full before its client is cut off, ms. */
const DRAIN_TIMEOUT_MS = 10_000;

/** Rejects when the port cannot be had. */
export async function openBroker(listener: BrokerListener): Promise<OpenBroker> {
  const { policy, tally, connectTimeoutMs, host, port } = listener;
  const broker = await Aedes.createBroker({
    concurrency: 0,
    connectTimeout: connectTimeoutMs,
    drainTimeout: DRAIN_TIMEOUT_MS,
    maxTopicLevels: MAX_TOPIC_LEVELS,
    ...policy.options,
  });
  // An emitter without a listener for `error` ends the process: persistence and refused wills emit here.
  broker.on(
    'error' as 'closed',
    ((error: Error) => tally.count('broker-error', { err: error })) as () => void,
  );
  broker.on('clientError', (client, err) => tally.count('connection-failed', { device: client.id, err }));
  broker.on('connectionError', (_client, err) => tally.count('connection-refused', { err }));
  broker.on('ack', (_packet, client) => policy.acknowledged?.(client));
  broker.on('client', (client) => policy.connected?.(client));
  broker.on('clientDisconnect', (client) => policy.disconnected?.(client));
  const sockets = new Set<Socket>();
  const server = listener.listen((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', (err) => tally.count('socket-error', { err }));
    socket.setNoDelay(true);
    const gate = guardFrames(socket, FRAME_LIMITS, (violation) => {
      tally.count(violation, { source: socket.remoteAddress });
      socket.destroy();
    });
    policy.guarded?.(socket, gate);
    broker.handle(socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  server.on('error', (err) => tally.count('listener-error', { err }));
  return {
    broker,
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
