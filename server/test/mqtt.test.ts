import { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { MAX_PAYLOAD_BYTES, deviceTopic, guestTopic, type AppName, type DeviceId } from '@wafer/protocol';
import mqttPacket, { type IConnectPacket } from 'mqtt-packet';
import { Aedes } from 'aedes';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Incoming } from '../src/mqtt/bus.ts';
import type { EmbeddedBusOptions } from '../src/mqtt/embedded.ts';
import { newDeviceId } from './mqtt-certificates.ts';
import { SOON, Collected, createLink, next, type Link } from './mqtt-link.ts';

let link: Link;
afterEach(() => link.close());

const open = async (options: Partial<EmbeddedBusOptions> = {}): Promise<Link> =>
  (link = await createLink(options));

/** The broker inside the next bus; for what cannot be seen from outside. */
const spyOnBroker = (): (() => Promise<BrokerInside>) => {
  const spy = vi.spyOn(Aedes, 'createBroker');
  return async () => {
    const broker = await spy.mock.results[0]?.value;
    spy.mockRestore();
    return broker as BrokerInside;
  };
};
interface BrokerInside extends Aedes {
  readonly clients: Readonly<Record<string, unknown>>;
  readonly persistence: {
    subscriptionsByTopic(topic: string): Promise<unknown>;
    createRetainedStreamCombi(filters: readonly string[]): AsyncIterable<unknown>;
  };
}

const collect = (): Collected<Incoming> => {
  const seen = new Collected<Incoming>();
  for (const kind of ['hello', 'report', 'health', 'log', 'request', 'guest'] as const)
    link.bus.onMessage(kind, seen.add);
  return seen;
};

const presence = (): Collected<[DeviceId, boolean]> => {
  const seen = new Collected<[DeviceId, boolean]>();
  link.bus.onPresence((device, online) => seen.add([device, online]));
  return seen;
};

const connectPacket = (clientId: string, more: Partial<IConnectPacket> = {}): Buffer =>
  mqttPacket.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 0,
    clientId,
    ...more,
  });

const closed = async (socket: NodeJS.EventEmitter & { destroyed: boolean }): Promise<void> => {
  if (!socket.destroyed) await next(socket, 'close');
};

describe('a session', () => {
  it('carries messages up and down', async () => {
    await open();
    const seen = collect();
    const device = newDeviceId();
    const client = await link.connect(device);
    await client.subscribeAsync(deviceTopic(device, 'desired'), { qos: 1 });
    await client.publishAsync(deviceTopic(device, 'hello'), 'hi', { qos: 1 });
    await client.publishAsync(guestTopic(device, 'thermo' as AppName, 'up', 'a/b'), '21', { qos: 0 });
    const [hello, guest] = await seen.at(2);
    expect(hello).toMatchObject({ device, topic: { kind: 'hello' }, payload: Buffer.from('hi') });
    expect(guest?.topic).toEqual({ kind: 'guest', device, app: 'thermo', topic: 'a/b' });
    const arrived = next(client, 'message');
    await link.bus.publish(deviceTopic(device, 'desired'), 'do', { qos: 1 });
    expect(String((await arrived)[1])).toBe('do');
  });

  it('is told to presence when it begins, and once it ends by will, by cut or by goodbye', async () => {
    await open();
    const seen = presence();
    const device = newDeviceId();
    const client = await link.connect(device, {
      will: {
        topic: deviceTopic(device, 'presence'),
        payload: Buffer.from('{"online":false}'),
        qos: 0,
        retain: false,
      },
    });
    expect(await seen.at(1)).toEqual([[device, true]]);
    expect(link.bus.online()).toEqual([device]);
    client.stream.destroy();
    expect((await seen.at(2)).slice(1)).toContainEqual([device, false]);
    expect(link.bus.online()).toEqual([]);
  });

  it('that ends by goodbye is offline though its will was discarded', async () => {
    await open();
    const seen = presence();
    const device = newDeviceId();
    const client = await link.connect(device);
    await client.endAsync();
    expect((await seen.at(2))[1]).toEqual([device, false]);
  });

  it('replaces the one before, whose will then does not make the device look offline', async () => {
    await open();
    const seen = presence();
    const device = newDeviceId();
    const first = await link.connect(device, {
      will: {
        topic: deviceTopic(device, 'presence'),
        payload: Buffer.from('{"online":false}'),
        qos: 0,
        retain: false,
      },
    });
    const firstClosed = next(first, 'close');
    const second = await link.connect(device);
    await firstClosed;
    await second.subscribeAsync(deviceTopic(device, 'ack'));
    const arrived = next(second, 'message');
    await link.bus.publish(deviceTopic(device, 'ack'), '1', { qos: 0 });
    await arrived;
    expect(link.bus.online()).toEqual([device]);
    expect(seen.items).toEqual([
      [device, true],
      [device, true],
    ]);
  });

  it('is cut by disconnect', async () => {
    await open();
    const device = newDeviceId();
    const client = await link.connect(device);
    const gone = next(client, 'close');
    await link.bus.disconnect(device);
    await gone;
    expect(link.bus.online()).toEqual([]);
  });

  it('that is still being checked when it is cut does not come up', async () => {
    let release = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      void open({
        authenticate: () =>
          new Promise((done) => {
            release = () => done(true);
            resolve();
          }),
      }).then(async () => {
        const device = newDeviceId();
        const attempt = link.connect(device);
        await asked;
        await link.bus.disconnect(device);
        release();
        await expect(attempt).rejects.toThrow();
      });
    });
    await asked;
    await expect.poll(() => link.bus.online(), SOON).toEqual([]);
  });
});

describe('who may connect', () => {
  it('refuses a device that the server does not know, with a code', async () => {
    const device = newDeviceId();
    await open({ authenticate: async ({ device: asked }) => asked !== device });
    await expect(link.connect(device)).rejects.toMatchObject({ code: 5 });
    await expect(link.connect(newDeviceId())).resolves.toBeDefined();
  });

  it('passes the serial number and the end of the certificate to the check', async () => {
    const asked = new Collected<unknown>();
    await open({
      authenticate: async (presented) => {
        await asked.add(presented);
        return true;
      },
    });
    const device = newDeviceId();
    await link.connect(device);
    const { serial, cert } = await link.identity(device);
    const expires = Date.parse(new X509Certificate(cert).validTo);
    expect(asked.items).toEqual([{ device, serial, expires }]);
  });

  it('says "try later" when the check itself fails', async () => {
    await open({
      authenticate: async () => {
        throw new Error('no database');
      },
    });
    await expect(link.connect(newDeviceId())).rejects.toMatchObject({ code: 3 });
  });

  it('does not wait for ever for the check', async () => {
    await open({ authenticate: () => new Promise(() => undefined), connectTimeoutMs: 100 });
    await expect(link.connect(newDeviceId())).rejects.toMatchObject({ code: 3 });
  });

  it.each(['#', '+', '+/x', '/', '__proto__', 'constructor', '$SYS', '', 'd-', 'another'])(
    'refuses the client id %j with a certificate of somebody else',
    async (clientId) => {
      await open();
      const device = newDeviceId();
      const socket = await link.socket(device);
      const id = clientId === 'another' ? newDeviceId() : clientId;
      socket.write(connectPacket(id));
      const [answer] = (await next(socket, 'data')) as [Buffer];
      expect(answer[3]).toBe(2);
      await closed(socket);
      expect(link.bus.online()).toEqual([]);
    },
  );

  it('refuses an empty client id with clean = 0', async () => {
    await open();
    const socket = await link.socket(newDeviceId());
    const packet = connectPacket('x', { clean: false });
    // Same frame with an empty id, which the client library would not make: length 12, id length 0.
    socket.write(Buffer.concat([Buffer.from([0x10, 12]), packet.subarray(2, 12), Buffer.from([0, 0])]));
    const [answer] = (await next(socket, 'data')) as [Buffer];
    expect(answer[3]).toBe(2);
    await closed(socket);
  });

  it.each(['broker', '__proto__', 'd-abcdefghijklmnop/#', 'd-short'])(
    'refuses a certificate whose name is %j, even with a client id to match',
    async (name) => {
      await open();
      const socket = await link.socket(name);
      socket.write(connectPacket(name));
      const [answer] = (await next(socket, 'data')) as [Buffer];
      expect(answer[3]).toBe(5);
      await closed(socket);
    },
  );

  it('refuses a client without a certificate, and one of another authority', async () => {
    await open();
    const device = newDeviceId();
    const stranger = await createLink();
    const foreign = await stranger.identity(device);
    for (const identity of [{ key: undefined, cert: undefined }, foreign]) {
      const client = await link.client(device, identity as { key: string; cert: string });
      await next(client, 'close');
      expect(client.connected).toBe(false);
    }
    await stranger.close();
    expect(link.bus.counts()['handshake-failed']).toBeGreaterThan(0);
  });

  it('shows its certificate on every connection: no TLS session is taken up again', async () => {
    await open();
    const device = newDeviceId();
    const first = await link.socket(device, { maxVersion: 'TLSv1.2' });
    const session = first.getSession();
    expect(session).toBeDefined();
    const second = await link.socket(device, { maxVersion: 'TLSv1.2', session });
    expect(second.isSessionReused()).toBe(false);
  });

  it('refuses TLS below 1.2', async () => {
    await open();
    const socket = link.socket(newDeviceId(), {
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    await expect(socket).rejects.toThrow();
  });

  it('refuses a will on the topic of another device, and stays up', async () => {
    await open();
    const [device, victim] = [newDeviceId(), newDeviceId()];
    const seen = presence();
    const will = {
      topic: deviceTopic(victim, 'presence'),
      payload: Buffer.from('{"online":false}'),
      qos: 0 as const,
      retain: false,
    };
    await expect(link.connect(device, { will })).rejects.toMatchObject({ code: 5 });
    await link.connect(victim);
    expect(await seen.at(1)).toEqual([[victim, true]]);
  });

  it.each([
    ['a topic of its own that only the server writes', 'desired', 0, 10],
    ['QoS 2', 'presence', 2, 10],
  ] as const)('refuses a will with %s', async (_name, leaf, qos, bytes) => {
    await open();
    const device = newDeviceId();
    const will = { topic: deviceTopic(device, leaf), payload: Buffer.alloc(bytes), qos, retain: false };
    await expect(link.connect(device, { will })).rejects.toMatchObject({ code: 5 });
  });
});

describe('what a device may read and write', () => {
  const others = (victim: DeviceId): string[] => [
    '#',
    '+/#',
    'wafer/#',
    'wafer/v1/d/#',
    'wafer/v1/d/+/desired',
    '+/+/+/+/desired',
    'wafer/+/d/+/response',
    `wafer/v1/d/${victim}/desired`,
    `wafer/v1/d/${victim}/#`,
    `wafer/v1/d/${victim}/m/+/down/#`,
    '$SYS/#',
    '$SYS/+/new/clients',
    '$share/x/wafer/v1/d/+/desired',
  ];

  it('refuses every filter that reaches beyond its own topics, and delivers nothing for them', async () => {
    await open();
    const [device, victim] = [newDeviceId(), newDeviceId()];
    const client = await link.connect(device);
    const got: string[] = [];
    client.on('message', (topic) => got.push(topic));
    for (const filter of others(victim)) {
      await expect(client.subscribeAsync(filter, { qos: 1 })).rejects.toThrow();
    }
    await client.subscribeAsync(deviceTopic(device, 'ack'));
    for (const leaf of ['desired', 'response', 'ack'] as const)
      await link.bus.publish(deviceTopic(victim, leaf), 'secret', { qos: 1 });
    const arrived = next(client, 'message');
    await link.bus.publish(deviceTopic(device, 'ack'), 'own', { qos: 0 });
    await arrived;
    expect(got).toEqual([deviceTopic(device, 'ack')]);
  });

  it('never delivers a denied subscription that a session with clean = 0 smuggled in', async () => {
    await open();
    const [device, victim] = [newDeviceId(), newDeviceId()];
    const own = deviceTopic(device, 'desired');
    const foreign = deviceTopic(victim, 'desired');
    const before = await link.connect(device, { clean: false });
    await before.subscribeAsync([own, foreign], { qos: 1 }).catch(() => undefined);
    await before.endAsync();
    await link.bus.publish(foreign, 'secret', { qos: 1 });
    const after = await link.client(device, { clean: false });
    const got: string[] = [];
    after.on('message', (topic) => got.push(topic));
    await next(after, 'connect');
    await after.subscribeAsync(own, { qos: 1 });
    const arrived = next(after, 'message');
    await link.bus.publish(foreign, 'secret too', { qos: 1 });
    await link.bus.publish(own, 'mine', { qos: 1 });
    await arrived;
    expect(got).toEqual([own]);
  });

  it.each([
    ['of another device', (_own: DeviceId, victim: DeviceId) => deviceTopic(victim, 'report')],
    ['that only the server writes', (own: DeviceId) => deviceTopic(own, 'desired')],
    ['of a channel', () => 'wafer/v1/c/stable/announce'],
    ['of the broker', () => '$SYS/x/new/clients'],
    ['that is its own, but too deep', (own: DeviceId) => `wafer/v1/d/${own}/m/thermo/up/${'x/'.repeat(90)}y`],
  ])('cuts a device that publishes on a topic %s', async (_name, topicOf) => {
    await open();
    const seen = collect();
    const [device, victim] = [newDeviceId(), newDeviceId()];
    const neighbour = await link.connect(victim);
    await neighbour.subscribeAsync([deviceTopic(victim, 'desired'), 'wafer/v1/c/+/announce']);
    const got: string[] = [];
    neighbour.on('message', (topic) => got.push(topic));
    const client = await link.connect(device);
    const gone = next(client, 'close');
    client.publish(topicOf(device, victim), 'forged', { qos: 1 });
    await gone;
    await neighbour.publishAsync(deviceTopic(victim, 'health'), 'still here', { qos: 1 });
    expect((await seen.at(1)).map(({ device: from }) => from)).toEqual([victim]);
    expect(got).toEqual([]);
  });

  it('cuts a device that uses QoS 2, before anything is stored for it', async () => {
    await open();
    const seen = collect();
    const device = newDeviceId();
    const client = await link.connect(device);
    const gone = next(client, 'close');
    client.publish(deviceTopic(device, 'report'), 'x', { qos: 2 });
    await gone;
    expect(seen.items).toEqual([]);
    expect(link.bus.counts()['qos-2']).toBe(1);
  });

  it('keeps no retained message of a device, nor a retained will', async () => {
    const inside = spyOnBroker();
    await open();
    const broker = await inside();
    const seen = collect();
    const device = newDeviceId();
    const topic = deviceTopic(device, 'presence');
    const client = await link.connect(device, {
      will: { topic, payload: Buffer.from('{"online":false}'), qos: 0, retain: true },
    });
    await client.publishAsync(deviceTopic(device, 'health'), 'x', { qos: 1, retain: true });
    await seen.at(1);
    client.stream.destroy();
    await expect.poll(() => link.bus.online(), SOON).toEqual([]);
    const kept: unknown[] = [];
    for await (const packet of broker.persistence.createRetainedStreamCombi(['#'])) kept.push(packet);
    expect(kept).toEqual([]);
  });

  it('drops a payload over the limit, counts it, and leaves the session alone', async () => {
    await open();
    const seen = collect();
    const device = newDeviceId();
    const client = await link.connect(device);
    await client.publishAsync(deviceTopic(device, 'log'), Buffer.alloc(MAX_PAYLOAD_BYTES + 1), { qos: 1 });
    await client.publishAsync(deviceTopic(device, 'log'), Buffer.alloc(MAX_PAYLOAD_BYTES), { qos: 1 });
    expect((await seen.at(1)).map(({ payload }) => payload.length)).toEqual([MAX_PAYLOAD_BYTES]);
    expect(link.bus.counts()).toEqual({ 'payload-too-large': 1 });
  });
});

describe('what a connection may cost', () => {
  it('closes a connection that says nothing', async () => {
    await open({ connectTimeoutMs: 100 });
    await closed(await link.socket(newDeviceId()));
    expect(link.bus.counts()['connection-refused']).toBe(1);
  });

  it('closes a connection that sends its CONNECT a byte at a time for too long', async () => {
    await open({ connectTimeoutMs: 100 });
    const socket = await link.socket(newDeviceId());
    socket.write(Buffer.from([0x10, 100, 0, 4]));
    await closed(socket);
    expect(link.bus.counts()['connection-refused']).toBe(1);
  });

  it('refuses a CONNECT that announces 96 MB at once, not after it came', async () => {
    await open();
    const socket = await link.socket(newDeviceId());
    socket.write(Buffer.from([0x10, 0x80, 0x80, 0x80, 0x30]));
    await closed(socket);
    expect(link.bus.counts()['connect-too-long']).toBe(1);
  });

  it('refuses a frame over the limit whose header comes in fragments', async () => {
    await open();
    const device = newDeviceId();
    const socket = await link.socket(device);
    const answer = next(socket, 'data');
    const packet = connectPacket(device);
    socket.write(packet.subarray(0, 5));
    socket.write(packet.subarray(5));
    await answer;
    for (const byte of [0x30, 0x81, 0x80, 0x10]) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await closed(socket);
    expect(link.bus.counts()['frame-too-long']).toBe(1);
  });

  it('survives sockets that are no MQTT, and ones that break off', async () => {
    await open();
    const http = await link.socket(newDeviceId());
    http.write('GET / HTTP/1.1\r\n\r\n');
    await closed(http);
    const broken = await link.socket(newDeviceId());
    broken.write(Buffer.from([0x10]));
    broken.destroy();
    await expect(link.connect(newDeviceId())).resolves.toBeDefined();
  });

  it('lets no frozen subscriber stop the others, and cuts it off', async () => {
    await open();
    const [frozen, lively] = [newDeviceId(), newDeviceId()];
    const socket = await link.socket(frozen);
    const topic = deviceTopic(frozen, 'response');
    socket.write(connectPacket(frozen));
    await next(socket, 'data');
    socket.write(mqttPacket.generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] }));
    await next(socket, 'data');
    socket.pause();
    const client = await link.connect(lively);
    await client.subscribeAsync(deviceTopic(lively, 'ack'), { qos: 1 });
    const got = new Collected<string>();
    client.on('message', (_topic, payload) => void got.add(payload.toString()));
    const big = Buffer.alloc(60 * 1024);
    for (let index = 0; index < 500; index += 1) {
      await link.bus.publish(topic, big, { qos: 1 });
      if (index % 100 === 99) await link.bus.publish(deviceTopic(lively, 'ack'), String(index), { qos: 1 });
    }
    expect(await got.at(5)).toEqual(['99', '199', '299', '399', '499']);
    await expect.poll(() => link.bus.online(), SOON).toEqual([lively]);
    expect(link.bus.counts()['reads-too-slowly']).toBeGreaterThan(0);
  });

  it('lets nobody wait for a frozen subscriber to which many small messages go', async () => {
    const inside = spyOnBroker();
    await open();
    const broker = await inside();
    const [frozen, lively] = [newDeviceId(), newDeviceId()];
    const stuck = await link.connect(frozen);
    await stuck.subscribeAsync(deviceTopic(frozen, 'response'));
    stuck.stream.pause();
    const { conn } = broker.clients[frozen] as { conn: Duplex };
    while (!conn.writableNeedDrain)
      await link.bus.publish(deviceTopic(frozen, 'response'), Buffer.alloc(30_000), { qos: 0 });
    for (let index = 0; index < 300; index += 1)
      await link.bus.publish(deviceTopic(frozen, 'response'), 'small', { qos: 0 });
    const client = await link.connect(lively);
    await client.subscribeAsync(deviceTopic(lively, 'ack'));
    const arrived = next(client, 'message');
    await link.bus.publish(deviceTopic(lively, 'ack'), '1', { qos: 0 });
    await arrived;
    expect(link.bus.online().toSorted()).toEqual([frozen, lively].toSorted());
  }, 8000);

  it('reads a device whose handlers lag no further than a bound, and loses nothing', async () => {
    await open();
    const device = newDeviceId();
    const waiting: (() => void)[] = [];
    let started = 0;
    link.bus.onMessage('report', () => {
      started += 1;
      return new Promise<void>((done) => waiting.push(done));
    });
    const client = await link.connect(device);
    const payload = Buffer.alloc(16 * 1024);
    for (let index = 0; index < 400; index += 1)
      client.publish(deviceTopic(device, 'report'), payload, { qos: 0 });
    await expect.poll(() => started, SOON).toBeGreaterThanOrEqual(64);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(started).toBeLessThan(200);
    while (started < 400 || waiting.length > 0) {
      waiting.splice(0).forEach((done) => done());
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(started).toBe(400);
  });
});

it('stays up when a handler fails, and counts it', async () => {
  await open();
  const device = newDeviceId();
  link.bus.onMessage('health', async () => {
    throw new Error('no database');
  });
  const client = await link.connect(device);
  await client.publishAsync(deviceTopic(device, 'health'), 'x', { qos: 1 });
  await expect.poll(() => link.bus.counts(), SOON).toEqual({ 'health-failed': 1 });
  await client.publishAsync(deviceTopic(device, 'presence'), 'not json', { qos: 1 });
  await expect.poll(() => link.bus.counts(), SOON).toEqual({ 'health-failed': 1, 'presence-failed': 1 });
  expect(client.connected).toBe(true);
});

it('stays up when the broker’s own store fails', async () => {
  const inside = spyOnBroker();
  await open();
  const broker = await inside();
  broker.persistence.subscriptionsByTopic = () => Promise.reject(new Error('the store failed'));
  await link.bus.publish(deviceTopic(newDeviceId(), 'desired'), 'x', { qos: 1 });
  await expect.poll(() => link.bus.counts(), SOON).toEqual({ 'broker-error': 1 });
  await expect(link.connect(newDeviceId())).resolves.toBeDefined();
});

it('rejects when the port is taken', async () => {
  await open();
  await expect(createLink({ port: link.bus.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
