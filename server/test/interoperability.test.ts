/**
 * What the ten tests of eclipse/paho.mqtt.testing's 3.1.1 client test ask of a broker, each under its
 * name there, against the process that `npm run broker -- --plain PORT` starts. Written anew from what
 * that suite does: it is a Python program that no registry holds.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { next, SOON } from './mqtt-link.ts';

const TOPICS = ['TopicA', 'TopicA/B', 'Topic/C', 'TopicA/C', '/TopicA'] as const;

let broker: ChildProcess;
let port: number;
beforeAll(async () => {
  const program = new URL('../src/mqtt/plain-broker.ts', import.meta.url).pathname;
  broker = spawn(process.execPath, [program, '--plain', '0'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(createInterface({ input: broker.stdout! }), 'line')) as [string];
  ({ port } = JSON.parse(line).mqtt);
});
afterAll(async () => {
  broker.kill('SIGTERM');
  await once(broker, 'exit');
});

interface Heard {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}
interface Ear extends MqttClient {
  readonly heard: Heard[];
}
const clients: MqttClient[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  await Promise.all(clients.splice(0).map((each) => each.endAsync(true)));
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Listens from before CONNECT, so that what is kept for it is heard. */
async function client(clientId: string, options: IClientOptions = {}): Promise<Ear> {
  const made = mqtt.connect({
    host: '127.0.0.1',
    port,
    protocol: 'mqtt',
    clientId,
    reconnectPeriod: 0,
    ...options,
  });
  clients.push(made);
  const heard: Heard[] = [];
  made.on('error', () => undefined);
  made.on('message', (topic, payload, { qos, retain }) =>
    heard.push({ topic, payload: payload.toString(), qos, retain }),
  );
  await next(made, 'connect');
  return Object.assign(made, { heard });
}

/** A client below the library: sends what it is told, acknowledges nothing. */
async function bare(): Promise<{ socket: Socket; send(packet: Packet): void; answer(): Promise<Packet> }> {
  const socket = connectTcp(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const parser = mqttPacket.parser();
  const packets: Packet[] = [];
  parser.on('packet', (packet) => void packets.push(packet));
  socket.on('data', (bytes) => void parser.parse(bytes));
  return {
    socket,
    send: (packet) => void socket.write(mqttPacket.generate(packet)),
    async answer() {
      await expect.poll(() => packets.length, SOON).toBeGreaterThan(0);
      return packets.shift()!;
    },
  };
}
const CONNECT = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, keepalive: 0 } as const;

it('basic: three qualities of service; a second CONNECT and a wrong protocol name end the connection', async () => {
  const one = await client('myclientid');
  await one.subscribeAsync(TOPICS[0], { qos: 2 });
  for (const qos of [0, 1, 2] as const) await one.publishAsync(TOPICS[0], `qos ${qos}`, { qos });
  await expect
    .poll(() => one.heard.map(({ payload, qos }) => [payload, qos]), SOON)
    .toEqual([
      ['qos 0', 0],
      ['qos 1', 1],
      ['qos 2', 2],
    ]);
  const twice = await bare();
  twice.send({ ...CONNECT, clientId: 'twice', clean: true });
  expect(await twice.answer()).toMatchObject({ cmd: 'connack', returnCode: 0 });
  const ended = next(twice.socket, 'close');
  twice.send({ ...CONNECT, clientId: 'twice', clean: true });
  await ended;
  const wrong = await bare();
  const closed = next(wrong.socket, 'close');
  wrong.socket.write(Buffer.from([0x10, 11, 0, 2, 0x68, 0x6a, 4, 2, 0, 0, 0, 1, 0x78]));
  await closed;
});

it('retained message: kept for who comes later, and gone when an empty one replaces it', async () => {
  const kept = TOPICS.slice(1, 4);
  const writer = await client('writer');
  for (const [qos, topic] of kept.entries())
    await writer.publishAsync(topic, `qos ${qos}`, { qos: qos as 0 | 1 | 2, retain: true });
  const reader = await client('reader');
  await reader.subscribeAsync('+/+', { qos: 2 });
  await expect
    .poll(
      () =>
        reader.heard
          .filter(({ retain }) => retain)
          .map(({ topic }) => topic)
          .toSorted(),
      SOON,
    )
    .toEqual([...kept].toSorted());
  for (const topic of kept) await writer.publishAsync(topic, '', { qos: 1, retain: true });
  const later = await client('later');
  await later.subscribeAsync('+/+', { qos: 2 });
  await writer.publishAsync(TOPICS[1], 'last', { qos: 1 });
  await expect.poll(() => later.heard.map(({ payload }) => payload), SOON).toEqual(['last']);
});

it('offline message queueing: QoS 1 and 2 wait for a session that is kept', async () => {
  const away = await client('offline', { clean: false });
  await away.subscribeAsync('+/+', { qos: 2 });
  await away.endAsync();
  const writer = await client('writer');
  for (const qos of [0, 1, 2] as const) await writer.publishAsync(TOPICS[qos + 1]!, `qos ${qos}`, { qos });
  const back = await client('offline', { clean: false });
  await expect
    .poll(() => back.heard.map(({ payload }) => payload), SOON)
    .toEqual(expect.arrayContaining(['qos 1', 'qos 2']));
  expect([2, 3]).toContain(back.heard.length);
  await back.unsubscribeAsync('+/+');
});

it('will message: published when its client breaks off', async () => {
  const watcher = await client('watcher', { clean: false });
  await watcher.subscribeAsync(TOPICS[2], { qos: 2 });
  const will = {
    topic: TOPICS[2],
    payload: Buffer.from('client not disconnected'),
    qos: 0 as const,
    retain: false,
  };
  (await client('mortal', { will, keepalive: 2 })).stream.destroy();
  await expect
    .poll(() => watcher.heard.map(({ payload }) => payload), SOON)
    .toEqual(['client not disconnected']);
});

it('overlapping subscriptions: one message with the highest quality, or one for each', async () => {
  const one = await client('overlapping');
  await one.subscribeAsync({ 'TopicA/#': { qos: 2 }, 'TopicA/+': { qos: 1 } });
  await one.publishAsync(TOPICS[3], 'overlapping topic filters', { qos: 2 });
  await one.publishAsync(TOPICS[0], 'end', { qos: 2 });
  await expect.poll(() => one.heard.at(-1)?.payload, SOON).toBe('end');
  const qualities = one.heard.slice(0, -1).map(({ qos }) => qos);
  expect([[2], [1, 2]]).toContainEqual(qualities.toSorted((a, b) => a - b));
});

it('keepalive: whoever says nothing for one and a half of it is cut off, and the will is published', async () => {
  const watcher = await client('watcher');
  await watcher.subscribeAsync(TOPICS[4], { qos: 2 });
  const mute = await bare();
  const ended = next(mute.socket, 'close');
  const will = { topic: TOPICS[4], payload: Buffer.from('keepalive expiry'), qos: 0 as const, retain: false };
  mute.send({ ...CONNECT, clientId: 'mute', clean: true, keepalive: 1, will });
  await ended;
  await expect.poll(() => watcher.heard.map(({ payload }) => payload), SOON).toEqual(['keepalive expiry']);
});

it('redelivery on reconnect: exchanges of QoS 1 and 2 that were not completed are repeated', async () => {
  const paused = await bare();
  paused.send({ ...CONNECT, clientId: 'redelivery', clean: false });
  expect(await paused.answer()).toMatchObject({ cmd: 'connack', returnCode: 0 });
  paused.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'TopicA/#', qos: 2 }] });
  expect(await paused.answer()).toMatchObject({ cmd: 'suback', granted: [2] });
  const writer = await client('writer');
  await writer.publishAsync(TOPICS[1], 'one', { qos: 1 });
  await writer.publishAsync(TOPICS[3], 'two', { qos: 2 });
  // In either order: MQTT keeps it for one topic and quality only.
  const first = [await paused.answer(), await paused.answer()];
  const published = first.map((packet) => (packet.cmd === 'publish' ? packet.qos : undefined));
  expect(new Set(published)).toEqual(new Set([1, 2]));
  const ended = next(paused.socket, 'close');
  paused.send({ cmd: 'disconnect' });
  await ended;
  const back = await client('redelivery', { clean: false });
  await expect.poll(() => back.heard.map(({ payload }) => payload).toSorted(), SOON).toEqual(['one', 'two']);
});

it('zero-length client id: refused where a session is to be kept, taken otherwise', async () => {
  for (const [clean, returnCode] of [
    [false, 2],
    [true, 0],
  ] as const) {
    const nameless = await bare();
    nameless.socket.write(
      Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, clean ? 2 : 0, 0, 0, 0, 0]),
    );
    expect(await nameless.answer()).toMatchObject({ cmd: 'connack', returnCode });
  }
});

it('subscribe failure: a filter that nobody may have is answered with 0x80', async () => {
  const one = await bare();
  one.send({ ...CONNECT, clientId: 'refused', clean: true });
  await one.answer();
  for (const topic of ['nosubscribe', 'test/nosubscribe']) {
    one.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 2 }] });
    expect(await one.answer()).toMatchObject({ cmd: 'suback', granted: [0x80] });
  }
});

it('$ topics: a filter that begins with a wildcard does not match them', async () => {
  const one = await client('dollar');
  await one.subscribeAsync('+/+', { qos: 2 });
  await one.publishAsync(`$${TOPICS[1]}`, 'hidden', { qos: 1 });
  await one.publishAsync(TOPICS[1], 'seen', { qos: 1 });
  await expect.poll(() => one.heard.map(({ payload }) => payload), SOON).toEqual(['seen']);
});
