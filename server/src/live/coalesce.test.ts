import type { ChannelName, DeviceId, LiveEvent } from '@wafer/protocol';
import { expect, it } from 'vitest';
import { Coalescer } from './coalesce.ts';

const device = (id: number): LiveEvent => ({ type: 'device', device: `d-${id}` as DeviceId });

function build(maxWaiting = 100) {
  const sent: LiveEvent[] = [];
  let now = 0;
  const coalescer = new Coalescer({
    clock: { now: () => now },
    send: (event) => sent.push(event),
    maxWaiting,
  });
  return { sent, coalescer, advance: (ms: number) => void (now += ms) };
}

it('sends the first hint about a subject at once', () => {
  const { sent, coalescer } = build();
  coalescer.add(device(1));
  coalescer.add(device(2));
  coalescer.add({ type: 'health', device: 'd-1' as DeviceId });
  coalescer.add({ type: 'channel', channel: 'stable' as ChannelName });
  expect(sent).toHaveLength(4);
  expect(coalescer.isWaiting).toBe(false);
});

it('makes one of a thousand hints about the same subject', () => {
  const { sent, coalescer, advance } = build();
  for (let index = 0; index < 1000; index += 1) coalescer.add(device(1));
  expect(sent).toEqual([device(1)]);
  expect(coalescer.isWaiting).toBe(true);
  advance(250);
  coalescer.flush();
  expect(sent).toEqual([device(1), device(1)]);
  expect(coalescer.isWaiting).toBe(false);
});

it('never sends a subject more than four times a second, and always tells of the last change', () => {
  const { sent, coalescer, advance } = build();
  for (let ms = 0; ms < 1000; ms += 10) {
    coalescer.add(device(1));
    if (ms % 250 === 240) coalescer.flush();
    advance(10);
  }
  coalescer.flush();
  expect(sent.length).toBeLessThanOrEqual(5);
  expect(coalescer.isWaiting).toBe(false);
});

it('asks for a resync instead of holding more than its bound', () => {
  const { sent, coalescer, advance } = build(10);
  for (let id = 0; id < 50; id += 1) coalescer.add(device(id));
  for (let id = 0; id < 50; id += 1) coalescer.add(device(id));
  advance(250);
  coalescer.flush();
  expect(sent.slice(50)).toEqual([{ type: 'resync' }]);
  coalescer.add(device(1));
  expect(sent.slice(51)).toEqual([device(1)]);
});
