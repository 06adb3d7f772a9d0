/**
 * The embedded broker on a plaintext listener without authentication, for interoperability tests of
 * MQTT 3.1.1 and nothing else. It listens on loopback only, knows no device and no Bus, and nothing
 * that the server starts imports it.
 *
 * Here is what the devices' listener leaves out: persistent sessions, retained messages, QoS 2, wills
 * and topics of any name. What it shares with it is broker.ts.
 */
import { createServer } from 'node:net';
import { systemClock } from '@wafer/protocol';
import type { AuthenticateError, Client } from 'aedes';
import type { FastifyBaseLogger } from 'fastify';
import { CONNACK_CODES } from './authenticate.ts';
import { openBroker, type BrokerPolicy, type OpenBroker } from './broker.ts';
import { createTally } from './tally.ts';

const LOOPBACK = '127.0.0.1';

/** The suite's names, of now and of before, for a filter that a broker refuses to anyone. */
const REFUSED_FILTERS: ReadonlySet<string> = new Set(['test/nosubscribe', 'nosubscribe']);

/** Everybody may do everything, but what MQTT 3.1.1 itself forbids. */
function openPolicy(): BrokerPolicy {
  const nameless = new WeakSet<Client>();
  return {
    options: {
      preConnect(client, packet, done) {
        // Clauses 3.1.3-7 and 3.1.3-8: a session that is to be kept needs a name to keep it under.
        if (packet.clientId === '' && packet.clean === false) nameless.add(client);
        done(null, true);
      },
      authenticate(client, _username, _password, done) {
        if (!nameless.has(client)) return done(null, true);
        // The type of aedes is a `const enum`, which does not exist when types are stripped.
        const refusal: unknown = Object.assign(new Error('an empty client id needs clean = 1'), {
          returnCode: CONNACK_CODES['client-id'],
        });
        done(refusal as AuthenticateError, null);
      },
      authorizeSubscribe(_client, subscription, done) {
        done(null, REFUSED_FILTERS.has(subscription.topic) ? null : subscription);
      },
    },
  };
}

/** Rejects when the port cannot be had; 0 for any free one. */
export function openPlainBroker(
  port: number,
  log: FastifyBaseLogger,
  connectTimeoutMs = 10_000,
): Promise<OpenBroker> {
  return openBroker({
    listen: (serve) => createServer(serve),
    host: LOOPBACK,
    port,
    policy: openPolicy(),
    tally: createTally(log, systemClock),
    connectTimeoutMs,
  });
}
