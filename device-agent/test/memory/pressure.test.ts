/** A board whose memory runs out: the machine as the agent composes it, and a sensor that is the test's. */
import { AppName } from '@wafer/protocol';
import { expect, test, vi } from 'vitest';
import { profileOf } from '../../src/memory/profile.ts';
import { watchMemory } from '../../src/memory/watch.ts';
import { newBoard, SOON } from '../board.ts';
import { admitted, installed } from '../state/machine.ts';
import { DEVICE, orderFor } from '../state/orders.ts';

const MIB = 2 ** 20;
const BOARD_BYTES = 480 * MIB;
const THERMO = AppName.parse('thermo');

test('the largest guest goes with a memory-limit fault, and comes back later and later, once memory is free', async () => {
  const { machine } = await installed();
  const memory = { availableBytes: 200 * MIB, totalBytes: BOARD_BYTES, stalled: 0 };
  const pressure = watchMemory({
    board: machine.board,
    sensor: () => memory,
    profile: profileOf(BOARD_BYTES),
    wake: () => machine.runner.wake(),
    now: () => machine.now,
  });
  Object.assign(machine.board, { isMemoryShort: () => pressure.isShort });
  machine.runtime.memoryBytes['thermo'] = 20 * MIB;
  const pass = async (ms: number) => {
    machine.now += ms;
    pressure.tick();
    await machine.run();
  };

  await pass(1000);
  memory.availableBytes = 10 * MIB;
  await pass(1000);
  expect(machine.runtime.serving('thermo')).toBeUndefined();
  expect(machine.runtime.calls.slice(-2)).toEqual(['stop thermo', 'giveBack']);
  expect(machine.faults).toMatchObject([{ kind: 'memory-limit', subject: 'board memory' }]);
  await pass(60_000);
  expect(machine.runtime.serving('thermo')).toBeUndefined();

  memory.availableBytes = 100 * MIB;
  await pass(1000);
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
  memory.availableBytes = 10 * MIB;
  await pass(3000);
  memory.availableBytes = 100 * MIB;
  await pass(2500);
  expect(machine.runtime.serving('thermo')).toBeUndefined();
  await pass(2500);
  expect(machine.runtime.serving('thermo')).toBe('1.0.0');
  expect(machine.board.journal.record(THERMO).current?.order.version).toBe('1.0.0');
});

test('a release that is ordered meanwhile waits, and is brought once memory is free', async () => {
  const { machine, two } = await installed();
  let isShort = true;
  Object.assign(machine.board, { isMemoryShort: () => isShort });
  const verdict = admitted(two);
  await machine.orderAndRun(verdict);
  expect(machine.said(verdict).at(-1)).toBe('IN_PROGRESS/verifying');
  expect(machine.runtime.calls.filter((call) => call.startsWith('prepare'))).toHaveLength(1);
  isShort = false;
  await machine.pass(3000);
  expect(machine.said(verdict).at(-1)).toBe('IN_PROGRESS/soaking');
});

test('an agent tells the server of it, and stays connected', async () => {
  const memory = { availableBytes: 200 * MIB, totalBytes: BOARD_BYTES, stalled: 0 };
  const board = await newBoard(undefined, { memory: () => memory });
  const { repository, server } = board;
  const first = repository.publish('thermo', '1.0.0');
  await server.order(repository.desired(DEVICE, 1, [orderFor(first, { health: { soakMs: 100 } })]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  board.runtime.memoryBytes['thermo'] = 20 * MIB;
  memory.availableBytes = 5 * MIB;
  await vi.waitFor(() => expect(board.faults()).toEqual(['memory-limit']), SOON);
  expect(board.runtime.serving('thermo')).toBeUndefined();
  memory.availableBytes = 200 * MIB;
  await vi.waitFor(() => expect(board.runtime.serving('thermo')).toBe('1.0.0'), SOON);
  expect(board.agent?.isConnected).toBe(true);
});
