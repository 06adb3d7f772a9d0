/**
 * The broker inside the server: aedes behind TLS with client certificates, as a Bus.
 *
 * Parties: devices, which are not trusted, and the server's own contexts, which call the Bus and
 * never pass through the hooks below. There is no plaintext listener.
 *
 * Invariants
 * - A device reads and writes only its own topics, whatever client id, filter or will it tries. It
 *   is asked on publish, on a will (when announced and when published), on subscribe and on every
 *   delivery; all four read the protocol's table.
 * - The client id is the certificate's common name. A later connection of the same device replaces
 *   the earlier one.
 * - No connection costs more than a bounded amount: frames are measured before they are parsed,
 *   CONNECT has to come in time, QoS 2 and broker-side sessions do not exist, whoever publishes too
 *   fast is read more slowly, whoever does not read is cut off.
 * - Sessions are not kept (`clean` is read as true): what a device missed it learns from the answer
 *   to its hello, never from a queue. Retained messages are not kept either.
 * - One slow device stops nobody: aedes' own bound on concurrent deliveries (which one frozen
 *   subscriber uses up for all) is off, and each connection has its bound in bytes instead.
 */
import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { createServer, type TLSSocket } from 'node:tls';
import { MAX_TOPIC_LEVELS, type Clock } from '@wafer/protocol';
import { Aedes } from 'aedes';
import type { FastifyBaseLogger } from 'fastify';
import type { Authenticate } from './authenticate.ts';
import type { Bus } from './bus.ts';
import { Dispatch } from './dispatch.ts';
import { FRAME_LIMITS, guardFrames } from './frames.ts';
import { createHooks } from './hooks.ts';
import { createTally } from './tally.ts';

export interface EmbeddedBusOptions {
  /** PEM. `ca` signs devices' certificates; `cert` may carry its chain. */
  readonly tls: { readonly key: string; readonly cert: string; readonly ca: string };
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly authenticate: Authenticate;
  readonly log: FastifyBaseLogger;
  readonly clock: Clock;
  /** How long the TLS handshake, CONNECT and its check may each take, ms. */
  readonly connectTimeoutMs?: number;
}

export interface EmbeddedBus extends Bus {
  readonly port: number;
  /** What was refused or failed, by reason, since the start. */
  counts(): Readonly<Record<string, number>>;
}

/** How long a socket may stay full before its device is cut off, ms. */
const DRAIN_TIMEOUT_MS = 10_000;

/** Rejects when the port cannot be had. */
export async function createEmbeddedBus(options: EmbeddedBusOptions): Promise<EmbeddedBus> {
  const { log, clock, connectTimeoutMs = 10_000 } = options;
  const tally = createTally(log, clock);
  const dispatch = new Dispatch(tally);
  const hooks = createHooks({ ...options, connectTimeoutMs, tally, dispatch });
  const broker = await Aedes.createBroker({
    ...hooks.broker,
    concurrency: 0,
    connectTimeout: connectTimeoutMs,
    drainTimeout: DRAIN_TIMEOUT_MS,
    maxTopicLevels: MAX_TOPIC_LEVELS,
    maxInflightInbound: 1,
  });
  // An emitter without a listener for `error` ends the process: persistence and refused wills emit here.
  broker.on(
    'error' as 'closed',
    ((error: Error) => tally.count('broker-error', { err: error })) as () => void,
  );
  broker.on('clientError', (client, err) => tally.count('connection-failed', { device: client.id, err }));
  broker.on('connectionError', (_client, err) => tally.count('connection-refused', { err }));
  broker.on('client', (client) => hooks.connected(client));
  broker.on('clientDisconnect', (client) => hooks.disconnected(client));
  const sockets = new Set<TLSSocket>();
  const server = listener(options, connectTimeoutMs, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', (err) => tally.count('socket-error', { err }));
    socket.setNoDelay(true);
    const gate = guardFrames(socket, FRAME_LIMITS, (violation) => {
      tally.count(violation, { source: socket.remoteAddress });
      socket.destroy();
    });
    hooks.guarded(socket, gate);
    broker.handle(socket);
  });
  server.on('tlsClientError', (err, socket) => {
    tally.count('handshake-failed', { err, source: socket.remoteAddress });
    socket.destroy();
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  server.on('error', (err) => tally.count('listener-error', { err }));

  return {
    port: (server.address() as AddressInfo).port,
    counts: () => tally.counts(),
    publish: (topic, payload, { qos }) =>
      publish(broker, topic, payload, qos, (err) => tally.count('publish-failed', { topic, err })),
    onMessage: (kind, handler) => dispatch.on(kind, handler),
    onPresence: (handler) => dispatch.onPresence(handler),
    disconnect: (device) => hooks.cut(device),
    online: () => hooks.live(),
    async close() {
      hooks.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listener(options: EmbeddedBusOptions, handshakeTimeout: number, serve: (socket: TLSSocket) => void) {
  return createServer(
    {
      ...options.tls,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      handshakeTimeout,
      // A resumed session would not show its certificate again, nor have its expiry checked.
      secureOptions: constants.SSL_OP_NO_TICKET,
    },
    serve,
  );
}

/**
 * Resolves in the next turn, when the message lies in the sockets that could take it: a caller that
 * awaits cannot pile up messages faster than backlogs are noticed. It does not wait for aedes' callback, which comes only
 * when every subscriber's socket took it: a frozen device would hold the caller up.
 */
async function publish(
  broker: Aedes,
  topic: string,
  payload: Buffer | string,
  qos: 0 | 1,
  failed: (error: Error) => void,
): Promise<void> {
  broker.publish({ cmd: 'publish', topic, payload, qos, retain: false, dup: false }, (error) => {
    if (error) failed(error);
  });
  await setImmediate();
}
