/** Cards wear out by writing: an agent at rest writes nothing, however much it tells. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { newBoard, SOON } from '../board.ts';
import { DEVICE, orderFor } from './orders.ts';

/** Every file with when it was written last, and its length. */
async function written(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder, { recursive: true });
  const entries = names.toSorted().map(async (name): Promise<[string, string]> => {
    const { mtimeMs, size } = await stat(join(folder, name));
    return [name, `${mtimeMs} ${size}`];
  });
  return new Map(await Promise.all(entries));
}

test('nothing is written while nothing changes, though health is reported and the guest talks and logs', async () => {
  const board = await newBoard();
  const { repository, server, folder } = board;
  const first = repository.publish('thermo', '1.0.0');
  await server.order(repository.desired(DEVICE, 1, [orderFor(first, { health: { soakMs: 100 } })]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  // What is acknowledged last is written down as acknowledged.
  await vi.waitFor(() => expect(server.committed).toBe(server.reports.size), SOON);
  const told = server.health.length;
  await vi.waitFor(() => expect(server.health.length).toBeGreaterThan(told + 1), SOON);

  const before = await written(folder);
  const reports = server.health.length;
  const { events } = board.runtime;
  for (let count = 0; count < 50; count += 1) {
    events?.publish(first.custom.app, 'telemetry/reading', Buffer.from(`${count}`));
    events?.log(first.custom.app, [{ level: 'info', text: `line ${count}`, at: Date.now() }], 0);
  }
  await vi.waitFor(() => expect(server.health.length).toBeGreaterThan(reports + 2), SOON);
  expect(await written(folder)).toEqual(before);
});
