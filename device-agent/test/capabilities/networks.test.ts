/** The network thread as the main thread holds it: when it is there, and when it goes. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Grants } from '@wafer/protocol';
import { afterEach, expect, it } from 'vitest';
import { createNetworks, type Networks, type Trusted } from '../../src/capabilities/http/networks.ts';
import { Line } from '../../src/capabilities/http/line.ts';
import type { Head } from '../../src/capabilities/http/port.ts';
import { Origin } from '../apps/origin.ts';

const main = new URL('../../src/capabilities/http/thread.ts', import.meta.url);
const data: Trusted = { ca: [] };
let networks: Networks;
let origin: Origin | undefined;
afterEach(async () => {
  await networks.close();
  await origin?.close();
  origin = undefined;
});

const grants = (port: number): Grants => ({
  http: [{ scheme: 'http', host: 'localhost', port, methods: ['GET'] }],
});

async function eventually(holds: () => boolean): Promise<void> {
  for (let left = 250; left > 0 && !holds(); left -= 1) await pause(20);
  expect(holds()).toBe(true);
}

it('there is no thread without a grant', () => {
  networks = createNetworks();
  expect(networks.open({})).toBeUndefined();
  expect(networks.open({ http: [] })).toBeUndefined();
  expect(networks.isRunning()).toBe(false);
});

it('it starts with the first line, stays while one is open, and ends after the last', async () => {
  networks = createNetworks(() => ({ main, data, lingerMs: 20 }));
  const [first, second] = [networks.open(grants(1))!, networks.open(grants(1))!];
  expect(networks.isRunning()).toBe(true);
  first.port.close();
  await pause(200);
  expect(networks.isRunning()).toBe(true);
  second.port.close();
  await eventually(() => !networks.isRunning());
  expect(networks.open(grants(1))).toBeDefined();
  expect(networks.isRunning()).toBe(true);
});

it('a line that is opened while the thread is about to go keeps it', async () => {
  networks = createNetworks(() => ({ main, data, lingerMs: 0 }));
  let open = networks.open(grants(1))!;
  for (let time = 0; time < 100; time += 1) {
    open.port.close();
    if (time % 3 === 0) await pause(1);
    open = networks.open(grants(1))!;
  }
  await pause(100);
  expect(networks.isRunning()).toBe(true);
});

it('resolves as the board does, and the address of a line that closes is left alone', async () => {
  origin = await Origin.listen((_, response) => response.end('hello'));
  networks = createNetworks();
  const { port } = origin;
  const line = new Line(networks.open(grants(port))!, () => undefined);
  const head: Head = {
    method: 'GET',
    target: { scheme: 'http', host: 'localhost', port },
    path: '/',
    headers: [],
    hasBody: false,
    connectMs: 2000,
    firstByteMs: 2000,
    betweenBytesMs: 2000,
  };
  const remote = line.begin(head)!;
  await eventually(() => {
    line.hear();
    return remote.isOver || remote.chunk !== undefined;
  });
  expect(remote.head?.status).toBe(200);
  expect(Buffer.from(remote.take(100)).toString()).toBe('hello');
  line.begin(head);
  line.close();
  await eventually(() => origin!.sockets.size === 0);
});
