import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { backOffMs, openSession } from '../../src/link/mqtt.ts';
import { silentLog } from '../../src/log.ts';
import { DEVICE, OTHER_DEVICE } from '../state/orders.ts';
import { Repository } from '../trust/repository.ts';
import { Authority } from './authority.ts';
import { TestServer } from './server.ts';

const SOON = { timeout: 8000, interval: 20 };

async function newSession(change: Partial<Awaited<ReturnType<TestServer['identity']>>> = {}) {
  const server = await TestServer.start(DEVICE, new Repository());
  const seen = { connected: 0, disconnected: 0, messages: [] as string[], warnings: [] as unknown[] };
  const session = openSession({
    identity: { ...(await server.identity()), ...change },
    log: (_, message, details) => seen.warnings.push([message, details]),
    firstDelayMs: 20,
    events: {
      connected: () => (seen.connected += 1),
      disconnected: () => (seen.disconnected += 1),
      message: (_, payload) => seen.messages.push(payload.toString()),
    },
  });
  onTestFinished(() => session.close());
  return { server, session, seen };
}

test('the back-off doubles to its bound and keeps a random half', () => {
  expect([0, 1, 2, 20].map((attempt) => backOffMs(attempt, 1))).toEqual([1000, 2000, 4000, 30_000]);
  expect(backOffMs(0, 0)).toBe(500);
});

test('a connection that is cut comes back, and is announced each time', async () => {
  const { server, session, seen } = await newSession();
  await vi.waitFor(() => expect(seen.connected).toBe(1), SOON);
  await server.down();
  await vi.waitFor(() => expect(session.connected).toBe(false), SOON);
  expect(session.publish('health', '{}')).toBe(false);
  await server.up();
  await vi.waitFor(() => expect(seen.connected).toBe(2), SOON);
  await server.send('ack', 'after');
  await vi.waitFor(() => expect(seen.messages).toEqual(['after']), SOON);
});

test('a message over the limit is dropped and counted', async () => {
  const { server, session, seen } = await newSession();
  await vi.waitFor(() => expect(seen.connected).toBe(1), SOON);
  await server.send('ack', Buffer.alloc(70_000));
  await server.send('ack', 'small');
  await vi.waitFor(() => expect(seen.messages).toEqual(['small']), SOON);
  expect(session.dropped).toBe(1);
});

test('a broker under another authority is not spoken to', async () => {
  const { seen } = await newSession({ ca: (await Authority.create()).pem });
  await vi.waitFor(() => expect(seen.warnings.length).toBeGreaterThan(0), SOON);
  expect(seen.connected).toBe(0);
});

test('a device that poses as the broker with its own certificate gets not even a CONNECT', async () => {
  const server = await TestServer.start(DEVICE, new Repository());
  const { key, certificate } = await server.authority.enrolled(OTHER_DEVICE);
  const heard: Buffer[] = [];
  const impostor = createServer({ key, cert: `${certificate}\n${server.authority.pem}` }, (socket) => {
    socket.on('data', (bytes) => heard.push(bytes));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise<void>((resolve) => impostor.close(() => resolve())));
  const { port } = impostor.address() as AddressInfo;
  const warnings: string[] = [];
  const session = openSession({
    identity: await server.identity(),
    broker: { host: '127.0.0.1', port },
    log: (_, __, details) => warnings.push(String(details?.reason)),
    firstDelayMs: 20,
    events: { connected: () => heard.push(Buffer.from('connected')), disconnected() {}, message() {} },
  });
  onTestFinished(() => session.close());
  await vi.waitFor(() => expect(warnings.length).toBeGreaterThan(0), SOON);
  expect(warnings[0]).toMatch(/INVALID_PURPOSE/);
  expect(heard).toEqual([]);
});

test('a gateway in between that passes the bytes on is as good as the broker', async () => {
  const server = await TestServer.start(DEVICE, new Repository());
  const identity = await server.identity();
  const gateway = createTcpServer((socket) => {
    const onward = connect(identity.broker.port, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void gateway.close());
  const { port } = gateway.address() as AddressInfo;
  const connected = Promise.withResolvers<void>();
  const session = openSession({
    identity,
    broker: { host: 'localhost', port },
    log: silentLog,
    events: { connected: connected.resolve, disconnected() {}, message() {} },
  });
  onTestFinished(() => session.close());
  await connected.promise;
  expect(session.connected).toBe(true);
});
