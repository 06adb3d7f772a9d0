/** Attacks of boards, whose certificates are good, on other boards through the broker. */
import { deviceTopic } from '@wafer/protocol';
import mqttPacket from 'mqtt-packet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newDeviceId } from '../mqtt-certificates.ts';
import { createLink, next, type Link } from '../mqtt-link.ts';

let link: Link;
beforeEach(async () => void (link = await createLink()));
afterEach(() => link.close());

/** CONNECT with clean = 1 by hand, as libraries refuse to send some ids. */
function connectFrame(clientId: string): Buffer {
  const id = Buffer.from(clientId);
  const head = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, id.length >> 8, id.length & 0xff]);
  return Buffer.concat([Buffer.from([0x10, head.length + id.length]), head, id]);
}

describe('client ids', () => {
  it.each([
    '#',
    '+',
    '/',
    '',
    '__proto__',
    '+/#',
    'wafer/v1/d/#',
    'constructor',
    '$SYS',
    'that of another device',
  ])('attack: a board connects as %j with its own certificate', async (clientId) => {
    const [device, victim] = [newDeviceId(), newDeviceId()];
    const other = await link.connect(victim);
    const socket = await link.socket(device);
    const closed = next(socket, 'close');
    socket.write(connectFrame(clientId === 'that of another device' ? victim : clientId));
    const [answer] = (await next(socket, 'data')) as [Buffer];
    expect([...answer.subarray(0, 4)]).toEqual([0x20, 2, 0, 2]);
    await closed;
    expect(link.bus.online()).toEqual([victim]);
    expect(other.connected).toBe(true);
  });

  it.each(['+', '/', '__proto__', 'd-abcdefghijklmnop/#'])(
    'attack: a certificate in the name of %j connects under it',
    async (name) => {
      const socket = await link.socket(name);
      const closed = next(socket, 'close');
      socket.write(connectFrame(name));
      const [answer] = (await next(socket, 'data')) as [Buffer];
      expect(answer[3]).toBe(5);
      await closed;
      expect(link.bus.online()).toEqual([]);
    },
  );
});

describe('wills', () => {
  it.each(['presence', 'report', 'desired'] as const)(
    'attack: a board leaves a will on the topic %s of another',
    async (leaf) => {
      const [device, victim] = [newDeviceId(), newDeviceId()];
      const heard: unknown[] = [];
      link.bus.onPresence(async (who, online) => void heard.push([who, online]));
      link.bus.onMessage('report', async (message) => void heard.push(message));
      const other = await link.connect(victim);
      await other.subscribeAsync(deviceTopic(victim, 'desired'), { qos: 1 });
      other.on('message', (topic) => heard.push(topic));
      const will = {
        topic: deviceTopic(victim, leaf),
        payload: Buffer.from('{"online":false}'),
        qos: 1 as const,
      };
      await expect(link.connect(device, { will: { ...will, retain: true } })).rejects.toMatchObject({
        code: 5,
      });
      await other.publishAsync(deviceTopic(victim, 'health'), '{}', { qos: 1 });
      expect(heard).toEqual([[victim, true]]);
    },
  );
});

describe('subscriptions', () => {
  it('attack: a board persists a denied subscription beside an allowed one, and comes back for it', async () => {
    const [device, victim] = [newDeviceId(), newDeviceId()];
    const [own, foreign] = [deviceTopic(device, 'desired'), deviceTopic(victim, 'desired')];
    const before = await link.socket(device);
    before.write(Buffer.from(connectFrame(device).map((byte, at) => (at === 9 ? 0 : byte))));
    const [connack] = (await next(before, 'data')) as [Buffer];
    expect(connack[3]).toBe(0);
    const subscriptions = [own, foreign].map((topic) => ({ topic, qos: 1 as const }));
    before.write(mqttPacket.generate({ cmd: 'subscribe', messageId: 7, subscriptions }));
    const [suback] = (await next(before, 'data')) as [Buffer];
    expect([...suback.subarray(4)]).toEqual([1, 0x80]);
    before.destroy();
    await expect.poll(() => link.bus.online()).toEqual([]);
    await link.bus.publish(foreign, 'while it was away', { qos: 1 });

    const after = await link.client(device, { clean: false });
    const got: string[] = [];
    after.on('message', (topic) => got.push(topic));
    const [back] = (await next(after, 'connect')) as [{ sessionPresent: boolean }];
    expect(back.sessionPresent).toBe(false);
    await after.subscribeAsync(own, { qos: 1 });
    const arrived = next(after, 'message');
    await link.bus.publish(foreign, 'now', { qos: 1 });
    await link.bus.publish(own, 'mine', { qos: 1 });
    await arrived;
    expect(got).toEqual([own]);
  });
});
