/** Who stole the server: its snapshot, timestamp and director keys, its broker and its disk. */
import { CHUNK_BYTES, type DesiredApp } from '@wafer/protocol';
import { expect, test, vi } from 'vitest';
import { newBoard, SOON, type Board } from '../board.ts';
import { DEVICE, orderFor } from '../state/orders.ts';
import { newSigner, sha256, type Published, type Repository, type Signer } from './repository.ts';

const malware = Buffer.from('thermo 6.6.6 '.repeat(5000));
const MALWARE = sha256(malware);

/** Runs 1.1.0, below which the publisher lets nothing run any more. The thief answers with malware. */
async function boardUnderWay(): Promise<{ board: Board; old: Published; good: Published }> {
  const board = await newBoard();
  const { repository, server } = board;
  const old = repository.publish('thermo', '1.0.0');
  const good = repository.publish('thermo', '1.1.0', { grants: { clock: true } });
  await server.order(repository.desired(DEVICE, 1, [orderFor(good, { health: { soakMs: 50 } })]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.1.0 SUCCEEDED'), SOON);
  repository.setFloor('thermo', 2);
  repository.blobs.set(MALWARE, malware);
  repository.alterChunk = (_, index) => malware.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
  return { board, old, good };
}

const newestTargets = ({ files }: Repository): string | undefined =>
  [...files.keys()].findLast((name) => name.endsWith('.targets.json'));

test('stolen snapshot, timestamp and director keys together: 0 unsigned installs', async () => {
  const { board, old, good } = await boardUnderWay();
  const { repository, server } = board;
  const own = `thermo/1.1.0/${MALWARE}.wasm`;
  const { path, sha256: signed } = good.target;
  let version = 1;
  const order = async (app: DesiredApp) => server.order(repository.desired(DEVICE, (version += 1), [app]));

  // With the director's key: orders for what nobody signed, or signed otherwise.
  const orders = [
    orderFor(good, { target: { path: own, sha256: MALWARE, length: malware.length } }),
    orderFor(good, { target: { path, sha256: MALWARE, length: malware.length } }),
    orderFor(good, { target: { path, sha256: signed, length: good.target.length + 1 } }),
    orderFor(good, { version: '6.6.6', counter: 9 }),
    orderFor(good, { grants: { clock: true, random: true } }),
    orderFor(old),
  ];
  for (const each of orders) {
    const before = board.executions().length;
    await order(each);
    await vi.waitFor(() => expect(board.executions()).toHaveLength(before + 1), SOON);
    expect(board.executions().at(-1)).toMatch(/ REJECTED$/);
  }

  // With all of them: metadata of the thief's own under a fresh snapshot and timestamp.
  const { snapshot, timestamp, director, targets, app } = repository.keys;
  const forged = { ...good.custom, counter: 7 };
  const forge = async (signers: { appSigners?: Signer[] }) => {
    repository.addTarget(good.custom.app, own, malware.length, MALWARE, forged, signers);
    const name = newestTargets(repository);
    await order(
      orderFor(good, { counter: 7, target: { path: own, sha256: MALWARE, length: malware.length } }),
    );
    await vi.waitFor(() => expect(repository.told).toContain(name), SOON);
  };
  for (const thief of [snapshot, timestamp, director]) {
    await forge({ appSigners: [thief] });
    Object.assign(repository.keys, { targets: thief, app: thief });
    await forge({});
    Object.assign(repository.keys, { targets, app });
  }
  repository.dropTarget(good.custom.app, own);

  // And other bytes for what is genuine.
  const next = repository.publish('thermo', '1.2.0');
  await order(orderFor(next));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.2.0 FAILED'), SOON);
  expect(board.runtime.calls.filter((call) => /^(prepare|swap)/.test(call))).toEqual([
    `prepare ${signed.slice(0, 8)}`,
    'swap thermo 1.1.0',
  ]);
  expect(board.runtime.serving('thermo')).toBe('1.1.0');

  // All the same it is no brick: what is genuine still comes.
  repository.alterChunk = (_, __, bytes) => bytes;
  await order(orderFor(next, { health: { soakMs: 50 } }));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.2.0 SUCCEEDED'), SOON);
});

test("a delegated publisher signing another's app: the board finds no such release", async () => {
  const board = await newBoard();
  const { repository, server } = board;
  repository.publish('thermo', '1.0.0');
  const pump = repository.publish('pump', '1.0.0');
  // The publisher of pump signs, in pump's role, a release and a floor under thermo's name.
  const path = `thermo/6.6.6/${MALWARE}.wasm`;
  const custom = { ...pump.custom, app: 'thermo', version: '6.6.6', counter: 9 };
  repository.addTarget(pump.custom.app, path, malware.length, MALWARE, custom);
  repository.addTarget(pump.custom.app, 'thermo/floor', 0, sha256(''), { wafer: 1, floor: 99 });
  const target = { path, sha256: MALWARE, length: malware.length };
  const forged = { app: 'thermo', version: '6.6.6', counter: 9, target };
  await server.order(repository.desired(DEVICE, 1, [orderFor(pump, forged)]));
  await vi.waitFor(() => expect(board.executions()).toEqual(['6.6.6 REJECTED']), SOON);
  // Nor may it pass its own off as the other's.
  const misnamed = { app: 'thermo', target: pump.target };
  await server.order(repository.desired(DEVICE, 2, [orderFor(pump, misnamed)]));
  await vi.waitFor(() => expect(board.executions()).toEqual(['6.6.6 REJECTED', '1.0.0 REJECTED']), SOON);
  expect(board.runtime.calls).toEqual([]);
});

test('an order that has expired while the power was off: what runs starts again, nothing else does', async () => {
  const board = await newBoard();
  const { repository, server } = board;
  const first = repository.publish('thermo', '1.0.0');
  const order = repository.desired(DEVICE, 1, [orderFor(first, { health: { soakMs: 50 } })], {
    expiresInMs: 1500,
  });
  await server.order(order);
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  await board.halt();
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(Date.parse(order.signed.expires)), SOON);
  await board.boot();
  await vi.waitFor(() => expect(board.runtime.serving('thermo')).toBe('1.0.0'), SOON);
  await vi.waitFor(() => expect(board.faults()).toEqual(['expired']), SOON);
});

test('deep offline: an agent that was away while every key was replaced takes the newest release, alone', async () => {
  const board = await newBoard();
  const { repository, server } = board;
  const first = repository.publish('thermo', '1.0.0');
  await server.order(repository.desired(DEVICE, 1, [orderFor(first, { health: { soakMs: 50 } })]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  await board.halt();
  for (let times = 0; times < 3; times += 1) {
    const old = repository.keys.root;
    for (const role of ['root', 'targets', 'snapshot', 'timestamp', 'app', 'director'] as const)
      repository.keys[role] = newSigner();
    repository.rotateRoot([old, repository.keys.root]);
    repository.sign();
  }
  const latest = repository.publish('thermo', '4.0.0');
  server.desired = repository.desired(DEVICE, 9, [orderFor(latest, { health: { soakMs: 50 } })]);
  await board.boot();
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('4.0.0 SUCCEEDED'), SOON);
  expect(board.faults()).toEqual([]);
});
