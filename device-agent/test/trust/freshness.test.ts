/** How long an order is good for that was judged in time. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError, type Fault } from '@wafer/protocol';
import { beforeEach, expect, test, vi } from 'vitest';
import { openClock } from '../../src/link/clock.ts';
import type { Requests } from '../../src/link/requests.ts';
import { silentLog } from '../../src/log.ts';
import { Journal } from '../../src/state/journal.ts';
import { Orders } from '../../src/state/orders.ts';
import { Floors } from '../../src/trust/floors.ts';
import { factoryRootPath } from '../../src/trust/generations.ts';
import { Trust } from '../../src/trust/updater.ts';
import { temporaryFolder } from '../folder.ts';
import { DEVICE, orderFor } from '../state/orders.ts';
import { Repository } from './repository.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let repository: Repository;
let folder: string;
let now: number;
let isOnline: boolean;
let faults: Fault[];

beforeEach(async () => {
  repository = new Repository();
  folder = await temporaryFolder();
  now = Date.now();
  isOnline = true;
  faults = [];
  await mkdir(join(folder, 'trust'), { recursive: true });
  await writeFile(factoryRootPath(folder), repository.root);
});

/** What the agent has after a start; all that it knows is on its disk. */
async function boot(): Promise<Orders> {
  const clock = await openClock(folder, {
    now: () => now,
    monotonic: () => now,
    isSynchronised: async () => true,
  });
  const requests: Pick<Requests, 'ask'> = {
    ask: async (question) => {
      if (isOnline) return repository.requests.ask(question);
      throw new FaultError('link', 'there is no network');
    },
  };
  const orders = new Orders({
    device: DEVICE,
    policy: {},
    trust: await Trust.open({ folder, requests, clock }),
    floors: await Floors.open(folder),
    journal: await Journal.open({ folder, deliver: async () => {}, onDiskError: () => {} }),
    clock,
    log: silentLog,
    reportFault: (fault) => faults.push(fault),
    wake: () => {},
  });
  await orders.restore();
  return orders;
}

/** Time passes, and what the agent does every second comes to its end. */
async function pass(orders: Orders, ms: number): Promise<void> {
  now += ms;
  const asked = repository.asked.length;
  orders.tick();
  if (isOnline) await vi.waitFor(() => expect(repository.asked.length).toBeGreaterThan(asked));
  await new Promise((resolve) => setTimeout(resolve, 100));
}

const kinds = (): string[] => faults.map(({ kind }) => kind);

/** Accepted in time; then a day passes, for which nobody signed. */
async function acceptedYesterday(): Promise<Orders> {
  const published = repository.publish('thermo', '1.0.0');
  repository.expires = new Date(now + DAY_MS);
  repository.sign();
  const orders = await boot();
  const document = repository.desired(DEVICE, 1, [orderFor(published)], { expiresInMs: 30 * DAY_MS });
  orders.receive(Buffer.from(JSON.stringify(document)));
  await vi.waitFor(() => expect(orders.verdicts?.size).toBe(1));
  return orders;
}

test('freeze: what was ordered is not finished once the metadata has expired, and goes on when it is signed anew', async () => {
  const orders = await acceptedYesterday();
  await pass(orders, DAY_MS + 1);
  expect(orders.verdicts).toBeUndefined();
  expect(kinds()).toEqual(['expired']);
  repository.expires = new Date(now + DAY_MS);
  repository.sign();
  await pass(orders, HOUR_MS);
  expect(orders.verdicts?.size).toBe(1);
  expect(kinds()).toEqual(['expired']);
});

test('freeze: nor after a boot without network, of which nothing is reported', async () => {
  await (await acceptedYesterday()).close();
  isOnline = false;
  now += 23 * HOUR_MS;
  expect((await boot()).verdicts?.size).toBe(1);
  now += 2 * HOUR_MS;
  const orders = await boot();
  await pass(orders, 0);
  expect(orders.verdicts).toBeUndefined();
  expect(faults).toEqual([]);
});

test('rollback: an order that was accepted before a floor rose is judged by the floor of today', async () => {
  const orders = await acceptedYesterday();
  repository.expires = new Date(now + 30 * DAY_MS);
  repository.setFloor('thermo', 2);
  await pass(orders, DAY_MS + 1);
  await vi.waitFor(() =>
    expect([...(orders.verdicts?.values() ?? [])]).toMatchObject([{ kind: 'rejected' }]),
  );
});

test('an order that itself has expired is reported, and asked for again ten minutes later at the earliest', async () => {
  const published = repository.publish('thermo', '1.0.0');
  const orders = await boot();
  const document = repository.desired(DEVICE, 1, [orderFor(published)], { expiresInMs: DAY_MS, now });
  orders.receive(Buffer.from(JSON.stringify(document)));
  await vi.waitFor(() => expect(orders.verdicts?.size).toBe(1));
  await pass(orders, DAY_MS + 1);
  expect(kinds()).toEqual(['expired']);
  const asked = repository.asked.length;
  now += 590_000;
  orders.tick();
  expect(repository.asked.length).toBe(asked);
  await pass(orders, 20_000);
  expect(kinds()).toEqual(['expired', 'expired']);
});
