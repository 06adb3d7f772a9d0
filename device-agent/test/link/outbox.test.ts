import { appendFile, open as openFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReportEvent } from '@wafer/protocol';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Outbox as RealOutbox } from '../../src/link/outbox.ts';
import { temporaryFolder } from '../folder.ts';

type Outbox = RealOutbox;

/** Closed when the test ends, however often it was closed before. */
async function open(folder: string): Promise<Outbox> {
  const outbox = await RealOutbox.open(folder);
  onTestFinished(() => outbox.close());
  return outbox;
}

const event = (count: number): ReportEvent => ({
  kind: 'fault',
  at: '2026-11-21T00:00:00.000Z',
  fault: { kind: 'trap', message: 'unreachable' },
  count,
});

const numbers = (outbox: Outbox) => outbox.pending.map(({ number }) => number);
const counts = (outbox: Outbox) =>
  outbox.pending.map((report) => (report.event.kind === 'fault' ? report.event.count : 0));

async function filled(folder: string, count: number): Promise<Outbox> {
  const outbox = await open(folder);
  for (let index = 1; index <= count; index += 1) await outbox.append(event(index));
  return outbox;
}

test('reports are numbered from 1 without gaps, across restarts and acknowledgements', async () => {
  const folder = await temporaryFolder();
  const outbox = await filled(folder, 3);
  await outbox.ack(2);
  await outbox.close();
  const again = await open(folder);
  expect(numbers(again)).toEqual([3]);
  expect((await again.append(event(4))).number).toBe(4);
  await again.ack(4);
  await again.close();
  expect((await (await open(folder)).append(event(5))).number).toBe(5);
});

test('a report may be sent only once it is on disk', async () => {
  const outbox = await open(await temporaryFolder());
  const appended = outbox.append(event(1));
  expect(outbox.pending).toEqual([]);
  await appended;
  expect(numbers(outbox)).toEqual([1]);
});

test('power cut at each byte of the last record: all whole ones stay, the torn number is free again', async () => {
  const folder = await temporaryFolder();
  await (await filled(folder, 2)).close();
  const path = join(folder, 'outbox');
  const two = await readFile(path);
  const whole = two.indexOf('\n') + 1;
  for (let length = whole; length < two.length; length += 7) {
    await writeFile(path, two);
    await truncate(path, length);
    const outbox = await open(folder);
    expect(numbers(outbox)).toEqual([1]);
    expect((await outbox.append(event(9))).number).toBe(2);
    await outbox.close();
    expect(counts(await open(folder))).toEqual([1, 9]);
  }
});

test('a rotten record ends what is believed', async () => {
  const folder = await temporaryFolder();
  await (await filled(folder, 3)).close();
  const path = join(folder, 'outbox');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('"count":2', '"count":7'));
  expect(counts(await open(folder))).toEqual([1]);
  await appendFile(path, 'garbage\n');
  expect(counts(await open(folder))).toEqual([1]);
});

test('a file that was lost while the server kept count: what waits is numbered anew behind it', async () => {
  const folder = await temporaryFolder();
  const outbox = await filled(folder, 2);
  await outbox.ack(40);
  expect(numbers(outbox)).toEqual([41, 42]);
  expect(counts(outbox)).toEqual([1, 2]);
  expect((await outbox.append(event(3))).number).toBe(43);
  await outbox.close();
  expect(numbers(await open(folder))).toEqual([41, 42, 43]);
});

test('an old acknowledgement that comes late changes nothing', async () => {
  const outbox = await filled(await temporaryFolder(), 3);
  await outbox.ack(2);
  await outbox.ack(1);
  expect(numbers(outbox)).toEqual([3]);
});

test('the file does not grow with what is acknowledged', async () => {
  const folder = await temporaryFolder();
  const outbox = await open(folder);
  const long = { ...event(1), fault: { kind: 'trap' as const, message: 'x'.repeat(2000) } };
  for (let index = 1; index <= 100; index += 1) {
    const { number } = await outbox.append(long);
    await outbox.ack(number);
  }
  const { length } = await readFile(join(folder, 'outbox'));
  expect(length).toBeLessThan(160_000);
  expect(outbox.acked).toBe(100);
  await outbox.close();
  expect((await open(folder)).acked).toBe(100);
});

test('a full disk: what could not be written is sent all the same, and is on disk once there is room', async () => {
  const folder = await temporaryFolder();
  const outbox = await filled(folder, 1);
  const handle = await openFile(join(folder, 'probe'), 'w');
  onTestFinished(() => handle.close());
  const full = vi.spyOn(Object.getPrototypeOf(handle), 'appendFile');
  onTestFinished(() => full.mockRestore());
  full.mockRejectedValueOnce(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
  const appended = [2, 3, 4].map((count) =>
    outbox.append(event(count)).catch((error: Error) => error.message),
  );
  expect(await Promise.all(appended)).toMatchObject(['no space left', { number: 3 }, { number: 4 }]);
  expect(numbers(outbox)).toEqual([1, 2, 3, 4]);
  await outbox.append(event(5));
  expect(counts(await open(folder))).toEqual([1, 2, 3, 4, 5]);
});
