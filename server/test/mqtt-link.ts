/** Devices as an attacker or an agent has them: mqtt.js over mutual TLS, and bare sockets below it. */
import { EventEmitter, once } from 'node:events';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { DeviceId } from '@wafer/protocol';
import { pino } from 'pino';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { createEmbeddedBus, type EmbeddedBus, type EmbeddedBusOptions } from '../src/mqtt/embedded.ts';
import { createTestAuthority, type KeyAndCertificate, type TestAuthority } from './mqtt-certificates.ts';

/** The next event of that name; unlike `once` of Node it does not mind an error before it. */
export const next = (emitter: object, event: string): Promise<unknown[]> =>
  new Promise((resolve) => (emitter as EventEmitter).once(event, (...args: unknown[]) => resolve(args)));

/** For `expect.poll`: the limit only ends what never would, on a machine however busy. */
export const SOON = { timeout: 15_000, interval: 20 };

const silent = pino({ level: 'silent' });

export class Link {
  readonly authority: TestAuthority;
  readonly bus: EmbeddedBus;
  readonly #identities = new Map<string, Promise<KeyAndCertificate>>();
  readonly #clients = new Set<MqttClient>();
  readonly #sockets = new Set<TLSSocket>();

  constructor(authority: TestAuthority, bus: EmbeddedBus) {
    this.authority = authority;
    this.bus = bus;
  }

  identity(name: string): Promise<KeyAndCertificate> {
    const known = this.#identities.get(name) ?? this.authority.issue(name);
    this.#identities.set(name, known);
    return known;
  }

  /** A client that does not reconnect; it may not be connected yet. */
  async client(certificate: string, options: IClientOptions = {}): Promise<MqttClient> {
    const { key, cert } = await this.identity(certificate);
    const client = mqtt.connect({
      protocol: 'mqtts',
      host: '127.0.0.1',
      port: this.bus.port,
      ca: this.authority.ca,
      key,
      cert,
      clientId: certificate,
      reconnectPeriod: 0,
      ...options,
    });
    client.on('error', () => undefined);
    this.#clients.add(client);
    return client;
  }

  /** Rejects with the CONNACK's code when the broker says no, and when it closes without a word. */
  async connect(device: DeviceId, options: IClientOptions = {}): Promise<MqttClient> {
    const client = await this.client(device, options);
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('closed')));
    });
    return client;
  }

  /** TLS is up, MQTT is not. */
  async socket(certificate: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const { key, cert } = await this.identity(certificate);
    const socket = connectTls({
      host: '127.0.0.1',
      port: this.bus.port,
      ca: this.authority.ca,
      key,
      cert,
      ...options,
    });
    this.#sockets.add(socket);
    await once(socket, 'secureConnect');
    socket.on('error', () => undefined);
    return socket;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.endAsync(true)));
    for (const socket of this.#sockets) socket.destroy();
    await this.bus.close();
  }
}

export async function createLink(options: Partial<EmbeddedBusOptions> = {}): Promise<Link> {
  const authority = await createTestAuthority();
  const bus = await createEmbeddedBus({
    tls: { ...authority.broker, ca: authority.ca },
    host: '127.0.0.1',
    port: 0,
    authenticate: async () => true,
    log: silent,
    clock: { now: () => Date.now() },
    ...options,
  });
  return new Link(authority, bus);
}

/** Collects what a handler is called with; `at(n)` waits until there are n. */
export class Collected<T> {
  readonly items: T[] = [];
  readonly #events = new EventEmitter();

  readonly add = async (item: T): Promise<void> => {
    this.items.push(item);
    this.#events.emit('item');
  };

  async at(count: number): Promise<readonly T[]> {
    while (this.items.length < count) await once(this.#events, 'item');
    return this.items;
  }
}
