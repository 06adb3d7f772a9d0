import { AppName, DeviceId, guestTopic, LogLines, MAX_PAYLOAD_BYTES } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { LogBatches, parseGuestTopic } from './guests.ts';

const THERMO = AppName.parse('thermo');
const DEVICE = DeviceId.parse('d-abcdefghijklmnop');
const line = (text: string) => ({ level: 'info' as const, text, at: 0 });

function flushed(batches: LogBatches, accept = true): LogLines[] {
  const messages: LogLines[] = [];
  batches.flush((message) => {
    if (accept) messages.push(LogLines.parse(message));
    return accept;
  });
  return messages;
}

test('lines are gathered into one message, with what the budget dropped', () => {
  const batches = new LogBatches();
  batches.add(THERMO, [line('one')], 2);
  batches.add(THERMO, [line('two')], 1);
  expect(flushed(batches)).toMatchObject([
    { app: 'thermo', lines: [{ text: 'one' }, { text: 'two' }], dropped: 3 },
  ]);
  expect(flushed(batches)).toEqual([]);
});

test('a message stays within the payload, and the rest follows', () => {
  const batches = new LogBatches();
  for (let index = 0; index < 40; index += 1) batches.add(THERMO, [line('"'.repeat(4000))], 0);
  let lines = 0;
  while (lines < 40) {
    const [message] = flushed(batches);
    expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThanOrEqual(MAX_PAYLOAD_BYTES);
    lines += message!.lines.length;
  }
  expect(lines).toBe(40);
});

test('while the board is offline the oldest lines go, and are counted', () => {
  const batches = new LogBatches();
  for (let index = 0; index < 700; index += 1) batches.add(THERMO, [line(String(index))], 0);
  expect(flushed(batches, false)).toEqual([]);
  const [message] = flushed(batches);
  expect([message?.lines[0]?.text, message?.dropped]).toEqual(['200', 200]);
});

test("a guest's topic is taken apart, and anything else is not one", () => {
  const topic = guestTopic(DEVICE, THERMO, 'down', 'commands/fan');
  expect(parseGuestTopic(DEVICE, topic)).toEqual({ app: 'thermo', topic: 'commands/fan' });
  expect(parseGuestTopic(DEVICE, topic.replace('/down/', '/up/'))).toBeUndefined();
  expect(parseGuestTopic(DEVICE, topic.replace('thermo', 'Thermo'))).toBeUndefined();
  expect(parseGuestTopic(DeviceId.parse('d-ponmlkjihgfedcba'), topic)).toBeUndefined();
});
