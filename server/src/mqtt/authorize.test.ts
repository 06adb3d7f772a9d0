import { deviceAccess, deviceTopic, type DeviceId } from '@wafer/protocol';
import { expect, it } from 'vitest';
import { isDeliveryAllowed, isSubscriptionAllowed, isWillAllowed, judgePublish } from './authorize.ts';

const own = 'd-abcdefghijklmnop' as DeviceId;
const other = 'd-zzzzzzzzzzzzzzzz' as DeviceId;
const access = deviceAccess(own);
const payload = Buffer.from('x');

it('delivers to a device only what the server sends to it, whatever it subscribed to', () => {
  expect(isDeliveryAllowed(access, deviceTopic(own, 'desired'))).toBe(true);
  expect(isDeliveryAllowed(access, 'wafer/v1/c/stable/announce')).toBe(true);
  for (const topic of [
    deviceTopic(other, 'desired'),
    deviceTopic(own, 'report'),
    '$SYS/x/heartbeat',
    'x',
    '',
  ])
    expect(isDeliveryAllowed(access, topic)).toBe(false);
});

it('allows a filter only when all that it covers may be delivered', () => {
  expect(isSubscriptionAllowed(access, `wafer/v1/d/${own}/m/thermo/down/+/x`)).toBe(true);
  for (const filter of [
    '#',
    'wafer/v1/d/+/desired',
    `wafer/v1/d/${own}/#`,
    `wafer/v1/d/${own}/+`,
    'wafer/v1/c/#',
  ])
    expect(isSubscriptionAllowed(access, filter)).toBe(false);
});

it('takes a publish on its own up topics, drops what is too large, and refuses the rest', () => {
  const judge = (topic: string, qos = 1, bytes = payload) =>
    judgePublish(access, { topic, qos, payload: bytes });
  expect(judge(deviceTopic(own, 'report'))).toBe('accept');
  expect(judge(deviceTopic(own, 'report'), 1, Buffer.alloc(65_537))).toBe('drop');
  expect(judge(deviceTopic(own, 'report'), 2)).toBe('qos-2');
  expect(judge(deviceTopic(other, 'report'))).toBe('topic-forbidden');
  expect(judge(deviceTopic(own, 'ack'))).toBe('topic-forbidden');
  expect(judge(`wafer/v1/d/${own}/+`)).toBe('topic-forbidden');
});

it('takes a will only where a publish would be accepted', () => {
  expect(isWillAllowed(access, { topic: deviceTopic(own, 'presence'), payload })).toBe(true);
  expect(isWillAllowed(access, { topic: deviceTopic(other, 'presence'), payload })).toBe(false);
  expect(isWillAllowed(access, { topic: deviceTopic(own, 'presence'), payload: Buffer.alloc(65_537) })).toBe(
    false,
  );
});
