/** The listener for interoperability tests: what MQTT 3.1.1 asks for beyond what devices may use. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import mqttPacket from 'mqtt-packet';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { OpenBroker } from '../src/mqtt/broker.ts';
import { openPlainBroker } from '../src/mqtt/plain.ts';
import { next } from './mqtt-link.ts';

let open: OpenBroker;
const clients: MqttClient[] = [];
beforeEach(async () => void (open = await openPlainBroker(0, pino({ level: 'silent' }))));
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
  await open.close();
});

async function connect(clientId: string, options: IClientOptions = {}): Promise<MqttClient> {
  const url = `mqtt://127.0.0.1:${open.port}`;
  const client = await mqtt.connectAsync(url, { clientId, reconnectPeriod: 0, ...options });
  clients.push(client);
  return client;
}

/** The return code of CONNACK for an empty client id. */
async function nameless(clean: boolean): Promise<number | undefined> {
  const socket = connectTcp(open.port, '127.0.0.1');
  await once(socket, 'connect');
  const flags = clean ? 2 : 0;
  socket.write(Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, flags, 0, 0, 0, 0]));
  const [answer] = (await next(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer[3];
}

it('refuses an empty client id that asks for a session to be kept, with code 2, and takes it otherwise', async () => {
  expect(await nameless(false)).toBe(2);
  expect(await nameless(true)).toBe(0);
});

it('keeps a session, and what QoS 1 and 2 brought while its client was away', async () => {
  const away = await connect('keeps', { clean: false });
  await away.subscribeAsync('a/#', { qos: 2 });
  await away.endAsync();
  const writer = await connect('writer');
  await writer.publishAsync('a/1', 'one', { qos: 1 });
  await writer.publishAsync('a/2', 'two', { qos: 2 });
  const back = mqtt.connect(`mqtt://127.0.0.1:${open.port}`, {
    clientId: 'keeps',
    clean: false,
    reconnectPeriod: 0,
  });
  clients.push(back);
  const got: string[] = [];
  back.on('message', (_topic, payload) => got.push(payload.toString()));
  const [connack] = (await next(back, 'connect')) as [{ sessionPresent: boolean }];
  expect(connack.sessionPresent).toBe(true);
  await expect.poll(() => got.toSorted()).toEqual(['one', 'two']);
});

it('keeps retained messages, refuses the filter that it must, and hides $ topics from wildcards', async () => {
  const client = await connect('reader');
  await client.publishAsync('kept', 'yes', { qos: 1, retain: true });
  const [first] = await Promise.all([
    next(client, 'message') as Promise<[string, Buffer]>,
    client.subscribeAsync('#'),
  ]);
  expect(first[1].toString()).toBe('yes');
  await expect(client.subscribeAsync('test/nosubscribe')).rejects.toThrow();
  const second = next(client, 'message') as Promise<[string, Buffer]>;
  await client.publishAsync('$hidden', 'no', { qos: 1 });
  await client.publishAsync('seen', 'yes', { qos: 1 });
  expect((await second)[0]).toBe('seen');
});

it('publishes a will when its client breaks off', async () => {
  const watcher = await connect('watcher');
  await watcher.subscribeAsync('wills/1');
  const will = { topic: 'wills/1', payload: Buffer.from('gone'), qos: 1 as const, retain: false };
  const arrived = next(watcher, 'message') as Promise<[string, Buffer]>;
  (await connect('mortal', { will })).stream.destroy();
  expect((await arrived)[1].toString()).toBe('gone');
});

it('has the same guard on frames as the listener of devices', async () => {
  for (const first of [
    Buffer.from([0x10, 0x80, 0x80, 0x80, 0x30]),
    mqttPacket.generate({ cmd: 'pingreq' }),
  ]) {
    const socket = connectTcp(open.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const closed = next(socket, 'close');
    socket.write(first);
    await closed;
    expect(socket.destroyed).toBe(true);
  }
  await expect(connect('after')).resolves.toBeDefined();
});
