import type { SelfTest } from '@wafer/protocol';
import { expect, test, vi } from 'vitest';
import { newBoard, SOON } from '../board.ts';
import { DEVICE, orderFor } from '../state/orders.ts';

const at = '2026-11-22T10:00:00.000Z';
const PASSED: SelfTest = { passed: true, at, tests: [{ test: 'digest', passed: true }] };
const FAILED: SelfTest = {
  passed: false,
  at,
  tests: [{ test: 'instructions', passed: false, detail: 'i32.add answered 0x0 instead of 0x1' }],
};

/** With an app installed. */
async function stoppedBoard() {
  const board = await newBoard();
  const { repository, server } = board;
  const first = repository.publish('thermo', '1.0.0');
  await server.order(repository.desired(DEVICE, 1, [orderFor(first, { health: { soakMs: 100 } })]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  await board.halt();
  return board;
}

test('a board that fails its self-test stops what it ran, refuses every order, stays connected and says why', async () => {
  const board = await stoppedBoard();
  const { repository, server } = board;

  await board.boot(FAILED);
  await vi.waitFor(() => expect(server.hellos.at(-1)?.selfTest).toEqual(FAILED), SOON);
  await vi.waitFor(() => expect(board.faults()).toContain('incompatible'), SOON);
  const second = repository.publish('thermo', '1.1.0');
  await server.order(repository.desired(DEVICE, 2, [orderFor(second)]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.1.0 REJECTED'), SOON);
  expect([...server.reports.values()].at(-1)?.event).toMatchObject({
    fault: { kind: 'incompatible', subject: 'self-test instructions' },
  });
  expect(board.runtime.serving('thermo')).toBeUndefined();
  expect(board.agent?.isConnected).toBe(true);
});

test('a board that passes again runs what it had', async () => {
  const board = await stoppedBoard();
  await board.boot(FAILED);
  await vi.waitFor(() => expect(board.faults()).toContain('incompatible'), SOON);
  await board.halt();
  await board.boot(PASSED);
  await vi.waitFor(() => expect(board.runtime.serving('thermo')).toBe('1.0.0'), SOON);
});

test('a board that failed keeps its agent, and takes another one, as long as signatures hold', async () => {
  const board = await newBoard();
  const { repository, server } = board;
  await board.halt();
  await board.boot(FAILED);
  const mended = repository.publish('wafer-agent', '9.0.0', { world: 'agent' });
  await server.order(repository.desired(DEVICE, 1, [orderFor(mended, { health: { soakMs: 100 } })]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('9.0.0 SUCCEEDED'), SOON);
});
