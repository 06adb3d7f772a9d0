/**
 * The session with the broker: MQTT 3.1.1 over TLS, with the device's certificate, which is also
 * its name. Nothing here rests on retained messages or on a persistent session (design.md 4.2):
 * every connect subscribes anew and then tells the rest of the agent, which says hello.
 *
 * Each attempt is a client of its own: MQTT.js keeps a queue across reconnects that fails what it
 * holds when the replay is cut (mqttjs/MQTT.js#2015). Whatever must arrive lives in the outbox.
 *
 * Inbound messages come from a server that may be stolen: too long or not for us means dropped and
 * counted. Certificates are renewed by renewal.ts; each attempt here shows the newest.
 */
import type { TLSSocket } from 'node:tls';
import {
  deviceAccess,
  deviceTopic,
  guestTopic,
  MAX_PAYLOAD_BYTES,
  mayPublish,
  mayReceive,
  systemClock,
  type AppName,
  type Clock,
  type UpLeaf,
} from '@wafer/protocol';
import { MqttClient } from 'mqtt';
import { writeToStream } from 'mqtt-packet';
import type { Log } from '../log.ts';
import type { Identity } from './identity.ts';
import { openSecure } from './secure.ts';

interface SessionEvents {
  /** Subscribed and ready; called after every connect. */
  connected(): void;
  disconnected(): void;
  /** TLS was up, and the broker ended it without a word of MQTT. */
  refused?(): void;
  /** A message on a topic that this device may receive. */
  message(topic: string, payload: Buffer): void;
}

export interface Session {
  readonly connected: boolean;
  /** Inbound messages that were dropped for their size or their topic. */
  readonly dropped: number;
  /** False when there is no session; the message is gone then. */
  publish(leaf: UpLeaf, payload: Buffer | string, qos?: 0 | 1): boolean;
  publishGuest(app: AppName, topic: string, payload: Uint8Array): boolean;
  /** Says offline, then leaves. */
  close(): Promise<void>;
}

export interface SessionOptions {
  readonly identity: Identity;
  /** A gateway in between, where the owner configured one. */
  readonly broker?: { readonly host: string; readonly port: number } | undefined;
  readonly events: SessionEvents;
  /** PEM; where it may be another than the identity's. */
  readonly certificate?: () => string;
  /** Never later than the true time. */
  readonly clock?: Clock;
  readonly log: Log;
  /** Instead of `openSecure`. */
  readonly connect?: typeof openSecure | undefined;
  /** 0 to 1, for the jitter of the back-off. */
  readonly random?: () => number;
  readonly firstDelayMs?: number;
}

// Else it keeps a buffer for each of the 65,536 numbers that a packet can have: 8 MB.
writeToStream.cacheNumbers = false;

const KEEPALIVE_SECONDS = 30;
const CONNECT_TIMEOUT_MS = 15_000;
const MAX_DELAY_MS = 30_000;
const CLOSE_TIMEOUT_MS = 2000;
const OFFLINE = JSON.stringify({ online: false });

/** Doubling from the first delay to MAX_DELAY_MS, of which a random half is kept. */
export function backOffMs(attempt: number, random: number, firstDelayMs = 1000): number {
  const full = Math.min(MAX_DELAY_MS, firstDelayMs * 2 ** Math.min(attempt, 16));
  return full / 2 + (full / 2) * random;
}

export function openSession(options: SessionOptions): Session {
  const { identity, events, log, random = Math.random, firstDelayMs = 1000 } = options;
  const { connect = openSecure } = options;
  const access = deviceAccess(identity.device);
  const presence = deviceTopic(identity.device, 'presence');
  let client: MqttClient | undefined;
  const opening = new AbortController();
  let ready = false;
  let closed = false;
  let attempts = 0;
  let dropped = 0;
  let lastError: string | undefined;
  let retry: NodeJS.Timeout | undefined;

  function onMessage(topic: string, payload: Buffer): void {
    if (payload.length > MAX_PAYLOAD_BYTES || !mayReceive(access, topic)) {
      dropped += 1;
      return;
    }
    events.message(topic, payload);
  }

  async function onConnect(current: MqttClient): Promise<void> {
    try {
      await current.subscribeAsync([...access.subscribe], { qos: 1 });
    } catch (error) {
      log('warn', 'the broker refused the subscriptions', { reason: (error as Error).message });
      current.end(true);
      return;
    }
    if (current !== client || !current.connected) return;
    attempts = 0;
    lastError = undefined;
    ready = true;
    events.connected();
  }

  /** One outage is one line, unless its reason changes. */
  function onError(message: string): void {
    if (message !== lastError) log('warn', 'link', { reason: message });
    lastError = message;
  }

  function onClose(current: MqttClient, wasAnswered: boolean): void {
    if (current !== client) return;
    client = undefined;
    current.end(true);
    if (!wasAnswered && !closed) events.refused?.();
    if (ready) {
      ready = false;
      events.disconnected();
    }
    again();
  }

  function again(): void {
    if (closed) return;
    retry = setTimeout(() => void open(), backOffMs(attempts, random(), firstDelayMs));
    attempts += 1;
  }

  async function open(): Promise<void> {
    try {
      speak(await connect({ ...secureOptions(options), signal: opening.signal }));
    } catch (error) {
      if (closed) return;
      onError((error as Error).message);
      again();
    }
  }

  function speak(socket: TLSSocket): void {
    const current = new MqttClient(() => socket, connectOptions(options, presence));
    client = current;
    let wasAnswered = false;
    current.on('packetreceive', () => (wasAnswered = true));
    current.on('connect', () => void onConnect(current));
    current.on('message', onMessage);
    current.on('error', ({ message }) => onError(message));
    current.on('close', () => onClose(current, wasAnswered));
  }

  function send(topic: string, payload: Buffer | string, qos: 0 | 1): boolean {
    if (!ready || client === undefined || Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES) return false;
    // The callback takes the error of a session that ends first; whatever matters is sent again.
    client.publish(topic, payload, { qos }, () => {});
    return true;
  }

  void open();
  return {
    get connected() {
      return ready;
    },
    get dropped() {
      return dropped;
    },
    publish: (leaf, payload, qos = 0) => send(deviceTopic(identity.device, leaf), payload, qos),
    publishGuest(app, topic, payload) {
      const name = guestTopic(identity.device, app, 'up', topic);
      return mayPublish(access, name) && send(name, Buffer.from(payload), 0);
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      opening.abort(new Error('leaving'));
      const current = client;
      if (current === undefined) return;
      const leave = async () => {
        if (current.connected) await current.publishAsync(presence, OFFLINE, { qos: 1 });
        await current.endAsync();
      };
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)));
      await Promise.race([leave().catch(() => {}), late]);
      clearTimeout(timer);
      current.end(true);
      ready = false;
    },
  };
}

function secureOptions({ identity, broker, certificate, clock = systemClock }: SessionOptions) {
  const { host, port } = broker ?? identity.broker;
  return {
    host,
    port,
    ca: identity.ca,
    // The enrolled name, whatever way leads there; or the gateway's own, which the owner chose.
    names: [identity.broker.host, host],
    identity: { key: identity.key, certificate: certificate?.() ?? identity.certificate },
    clock,
    timeoutMs: CONNECT_TIMEOUT_MS,
  };
}

function connectOptions({ identity }: SessionOptions, presence: string) {
  return {
    protocolVersion: 4 as const,
    clientId: identity.device,
    clean: true,
    keepalive: KEEPALIVE_SECONDS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    will: { topic: presence, payload: Buffer.from(OFFLINE), qos: 1 as const, retain: false },
  };
}
