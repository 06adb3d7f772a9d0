/**
 * The broker inside the server: aedes behind TLS with client certificates, as a Bus.
 *
 * Parties: devices, which are not trusted, and the server's own contexts, which call the Bus and
 * never pass through the hooks. What any listener of the broker has is in broker.ts.
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
 * - A session ends with the certificate that it began with: at once when that is revoked, within a
 *   second when it expires.
 * - Sessions are not kept (`clean` is read as true): what a device missed it learns from the answer
 *   to its hello, never from a queue. Retained messages are not kept either.
 * - One slow device stops nobody: aedes' own bound on concurrent deliveries (which one frozen
 *   subscriber uses up for all) is off, and each connection has its bound in bytes instead.
 */
import { constants } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { createServer, type TLSSocket } from 'node:tls';
import type { Clock } from '@wafer/protocol';
import type { Aedes } from 'aedes';
import type { FastifyBaseLogger } from 'fastify';
import type { Authenticate } from './authenticate.ts';
import { openBroker } from './broker.ts';
import type { Bus } from './bus.ts';
import { Dispatch } from './dispatch.ts';
import { createHooks } from './hooks.ts';
import { createTally, type Tally } from './tally.ts';

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
  /** How often sessions are looked at whose certificate may have ended, ms. */
  readonly expiryCheckMs?: number;
}

export interface EmbeddedBus extends Bus {
  readonly port: number;
  /** What was refused or failed, by reason, since the start. */
  counts(): Readonly<Record<string, number>>;
}

/** Rejects when the port cannot be had. */
export async function createEmbeddedBus(options: EmbeddedBusOptions): Promise<EmbeddedBus> {
  const { log, clock, connectTimeoutMs = 10_000, expiryCheckMs = 1000 } = options;
  const tally = createTally(log, clock);
  const dispatch = new Dispatch(tally);
  const hooks = createHooks({ ...options, connectTimeoutMs, tally, dispatch });
  const { broker, port, close } = await openBroker({
    listen: (serve) => listener(options, { handshakeTimeout: connectTimeoutMs, tally, serve }),
    host: options.host,
    port: options.port,
    tally,
    connectTimeoutMs,
    policy: {
      options: { ...hooks.broker, maxInflightInbound: 1 },
      guarded: (connection, gate) => hooks.guarded(connection, gate),
      connected: (client) => hooks.connected(client),
      acknowledged: (client) => hooks.acknowledged(client),
      disconnected: (client) => hooks.disconnected(client),
    },
  });
  const expiring = setInterval(() => hooks.cutExpired(), expiryCheckMs).unref();

  return {
    port,
    counts: () => tally.counts(),
    publish: (topic, payload, { qos }) =>
      publish(broker, topic, payload, qos, (err) => tally.count('publish-failed', { topic, err })),
    onMessage: (kind, handler) => dispatch.on(kind, handler),
    onPresence: (handler) => dispatch.onPresence(handler),
    onDoubled: (handler) => dispatch.onDoubled(handler),
    disconnect: (device) => hooks.cut(device),
    online: () => hooks.live(),
    async close() {
      clearInterval(expiring);
      hooks.close();
      await close();
    },
  };
}

interface Serving {
  readonly handshakeTimeout: number;
  readonly tally: Tally;
  readonly serve: (socket: TLSSocket) => void;
}

function listener(options: EmbeddedBusOptions, { handshakeTimeout, tally, serve }: Serving) {
  const server = createServer(
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
  server.on('tlsClientError', (err, socket) => {
    tally.count('handshake-failed', { err, source: socket.remoteAddress });
    socket.destroy();
  });
  return server;
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
