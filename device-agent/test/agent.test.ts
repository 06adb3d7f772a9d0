import { AppName, guestTopic } from '@wafer/protocol';
import { expect, test, vi } from 'vitest';
import { newBoard, SOON } from './board.ts';
import { DEVICE, OTHER_DEVICE, orderFor } from './state/orders.ts';

const THERMO = AppName.parse('thermo');
test('a release that is ordered over MQTT is verified, fetched, started, soaked and reported', async () => {
  const board = await newBoard();
  const { repository, server } = board;
  await vi.waitFor(() => expect(server.hellos).toHaveLength(1), SOON);
  const published = repository.publish('thermo', '1.0.0', { bytes: Buffer.alloc(300_000, 'thermo ') });
  await server.order(repository.desired(DEVICE, 1, [orderFor(published, { health: { soakMs: 300 } })]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  expect(board.executions()).toEqual([
    '1.0.0 IN_PROGRESS/downloading',
    '1.0.0 IN_PROGRESS/verifying',
    '1.0.0 IN_PROGRESS/preparing',
    '1.0.0 IN_PROGRESS/starting',
    '1.0.0 IN_PROGRESS/probing',
    '1.0.0 IN_PROGRESS/soaking',
    '1.0.0 SUCCEEDED',
  ]);
  await vi.waitFor(() => {
    const apps = [...server.reports.values()].flatMap(({ event }) =>
      event.kind === 'apps' ? [event.apps] : [],
    );
    expect(apps.at(-1)).toMatchObject([{ app: 'thermo', version: '1.0.0', state: 'running' }]);
    expect(server.health.at(-1)?.apps).toMatchObject([{ app: 'thermo', version: '1.0.0' }]);
  }, SOON);
  expect(board.ready).toBe(1);
});

test('what was not acknowledged is sent again after a restart, and the numbers have no gaps', async () => {
  const board = await newBoard();
  const { repository, server } = board;
  server.commits = false;
  const published = repository.publish('thermo', '1.0.0');
  await server.order(repository.desired(DEVICE, 1, [orderFor(published, { health: { soakMs: 100 } })]));
  await vi.waitFor(() => expect(server.hellos).toHaveLength(1), SOON);
  await vi.waitFor(() => expect(board.runtime.serving('thermo')).toBe('1.0.0'), SOON);
  await board.halt();
  expect(server.reports.size).toBe(0);
  server.commits = true;
  await board.boot();
  await vi.waitFor(() => expect(board.executions()).toContain('1.0.0 SUCCEEDED'), SOON);
  expect(server.committed).toBe(server.reports.size);
  expect(board.executions()[0]).toBe('1.0.0 IN_PROGRESS/downloading');
});

test('a broker that goes away and comes back finds the agent again, with nothing lost', async () => {
  const board = await newBoard();
  const { repository, server } = board;
  const first = repository.publish('thermo', '1.0.0');
  await server.order(repository.desired(DEVICE, 1, [orderFor(first, { health: { soakMs: 100 } })]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  await server.down();
  board.runtime.events?.fault(THERMO, first.custom.version, { kind: 'trap', message: 'while offline' });
  await server.up();
  await vi.waitFor(() => expect(board.faults()).toContain('trap'), SOON);
  expect(server.hellos.at(-1)?.desiredVersion).toBe(1);
  expect(server.hellos.at(-1)?.boot).toBe(server.hellos[0]?.boot);
});

test('without network the agent starts what is installed', async () => {
  const board = await newBoard();
  const { repository, server } = board;
  const first = repository.publish('thermo', '1.0.0');
  await server.order(repository.desired(DEVICE, 1, [orderFor(first, { health: { soakMs: 100 } })]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  await board.halt();
  await server.down();
  await board.boot();
  await vi.waitFor(() => expect(board.runtime.serving('thermo')).toBe('1.0.0'), SOON);
  expect(board.ready).toBe(1);
  await server.up();
});

test('orders for another device, replayed, forged or malformed change nothing and are faults', async () => {
  const board = await newBoard();
  const { repository, server } = board;
  const first = repository.publish('thermo', '1.0.0');
  const good = repository.desired(DEVICE, 5, [orderFor(first, { health: { soakMs: 100 } })]);
  await server.order(good);
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  await server.send('desired', JSON.stringify(repository.desired(OTHER_DEVICE, 9, [])));
  await vi.waitFor(() => expect(board.faults()).toEqual(['signature']), SOON);
  await server.send('desired', JSON.stringify(repository.desired(DEVICE, 4, [])));
  await vi.waitFor(() => expect(board.faults()).toHaveLength(2), SOON);
  await server.send(
    'desired',
    JSON.stringify(repository.desired(DEVICE, 9, [], { by: repository.keys.timestamp })),
  );
  await vi.waitFor(() => expect(board.faults()).toHaveLength(3), SOON);
  for (const leaf of ['desired', 'ack', 'response', 'command'] as const) {
    for (const payload of ['', '{', '[]', '{"number":-1}', '\0\u0001']) await server.send(leaf, payload);
  }
  await server.sendTo(guestTopic(DEVICE, THERMO, 'down', 'commands/x'), 'on');
  await vi.waitFor(() => expect(board.runtime.delivered).toHaveLength(1), SOON);
  expect(board.runtime.serving('thermo')).toBe('1.0.0');
});

test('metadata altered on the way or expired installs nothing, says so, and heals with the server', async () => {
  const board = await newBoard();
  const { repository, server } = board;
  await vi.waitFor(() => expect(server.hellos).toHaveLength(1), SOON);
  const first = repository.publish('thermo', '1.0.0');
  const order = repository.desired(DEVICE, 1, [orderFor(first, { health: { soakMs: 100 } })]);
  repository.alterMetadata = (_, bytes) => Buffer.from(bytes.toString().replace('"version":', '"version":1'));
  await server.order(order);
  await vi.waitFor(() => expect(board.faults()).toEqual(['signature']), SOON);
  repository.alterMetadata = (_, bytes) => bytes;
  const { expires } = repository;
  repository.expires = new Date(Date.now() - 1000);
  repository.sign();
  await server.order(order);
  await vi.waitFor(() => expect(board.faults()).toEqual(['signature', 'expired']), SOON);
  expect(board.executions()).toEqual([]);
  repository.expires = expires;
  repository.sign();
  await server.order(order);
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
});

test('a component altered by the broker ends as a digest fault; what runs runs on', async () => {
  const board = await newBoard();
  const { repository, server } = board;
  const first = repository.publish('thermo', '1.0.0');
  await server.order(repository.desired(DEVICE, 1, [orderFor(first, { health: { soakMs: 100 } })]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  const second = repository.publish('thermo', '1.1.0');
  repository.alterChunk = (_, __, bytes) => {
    bytes[7]! ^= 0xff;
    return bytes;
  };
  await server.order(repository.desired(DEVICE, 2, [orderFor(second)]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.1.0 FAILED'), SOON);
  expect([...server.reports.values()].at(-1)?.event).toMatchObject({ fault: { kind: 'digest' } });
  expect(board.runtime.serving('thermo')).toBe('1.0.0');
});

test("guests' messages and log lines reach the server, and a command restarts an app", async () => {
  const board = await newBoard();
  const { repository, server } = board;
  const first = repository.publish('thermo', '1.0.0');
  await server.order(repository.desired(DEVICE, 1, [orderFor(first, { health: { soakMs: 100 } })]));
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  const { events } = board.runtime;
  events?.publish(THERMO, 'telemetry/reading', Buffer.from('21.5'));
  events?.publish(THERMO, 'telemetry/#', Buffer.from('smuggled'));
  events?.publish(THERMO, 'telemetry/long', Buffer.alloc(70_000));
  events?.log(THERMO, [{ level: 'info', text: 'hello', at: Date.now() }], 3);
  await vi.waitFor(() => expect(server.logs).toMatchObject([{ app: 'thermo', dropped: 3 }]), SOON);
  expect(server.guestMessages).toEqual([
    { topic: guestTopic(DEVICE, THERMO, 'up', 'telemetry/reading'), payload: '21.5' },
  ]);
  await server.send('command', JSON.stringify({ id: 1, command: 'restart-app', app: 'thermo' }));
  await vi.waitFor(
    () => expect(board.runtime.calls.slice(-2)).toEqual(['stop thermo', 'swap thermo 1.0.0']),
    SOON,
  );
});

test('an agent that leaves on purpose says so', async () => {
  const board = await newBoard();
  await vi.waitFor(() => expect(board.ready).toBe(1), SOON);
  await board.halt();
  expect(board.server.presence).toEqual(['{"online":false}']);
});

test('what an agent that leaves breaks off is no fault, and is done by the next start', async () => {
  const board = await newBoard();
  const { repository, server } = board;
  await vi.waitFor(() => expect(board.ready).toBe(1), SOON);
  server.answers = false;
  const { requests } = server;
  const release = repository.publish('thermo', '1.0.0');
  await server.order(repository.desired(DEVICE, 1, [orderFor(release, { health: { soakMs: 100 } })]));
  await vi.waitFor(() => expect(server.requests).toBeGreaterThan(requests), SOON);
  await board.halt();
  server.answers = true;
  await board.boot();
  await vi.waitFor(() => expect(board.executions().at(-1)).toBe('1.0.0 SUCCEEDED'), SOON);
  expect(board.faults()).toEqual([]);
});
