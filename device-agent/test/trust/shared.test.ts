/** Devices that share what they have verified: each still looks at everything that it is sent. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError, type FaultKind } from '@wafer/protocol';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { openClock } from '../../src/link/clock.ts';
import { Chain } from '../../src/trust/chain.ts';
import { factoryRootPath } from '../../src/trust/generations.ts';
import { sharedVerification } from '../../src/trust/shared.ts';
import { Trust } from '../../src/trust/updater.ts';
import { temporaryFolder } from '../folder.ts';
import { Repository } from './repository.ts';

const DAY_MS = 86_400_000;

let repository: Repository;
let path: string;
let verifierOf: ReturnType<typeof sharedVerification>;

beforeEach(() => {
  repository = new Repository();
  path = repository.publish('thermo', '1.0.0').target.path;
  verifierOf = sharedVerification();
});

async function device(now: () => number = Date.now): Promise<Trust> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'trust'), { recursive: true });
  await writeFile(factoryRootPath(folder), repository.root);
  const clock = await openClock(folder, { now });
  return Trust.open({ folder, requests: repository.requests, clock, verifierOf });
}

const look = (trust: Trust) => trust.refresh((view) => view.target(path));
const fault = (kind: FaultKind) => expect.objectContaining({ fault: expect.objectContaining({ kind }) });

/** Runs of the chain that were computed. */
function computed() {
  const spy = vi.spyOn(Chain.prototype, 'refresh');
  onTestFinished(() => spy.mockRestore());
  return spy.mock.calls;
}

test('who is answered the same finds the same, and computes nothing again', async () => {
  const runs = computed();
  const [first, second] = [await device(), await device()];
  const found = await look(first);
  expect(found?.path).toBe(path);
  expect(await look(second)).toEqual(found);
  expect(runs).toHaveLength(1);
});

test('every device asks the server for all of it', async () => {
  await look(await device());
  const asked = repository.asked.length;
  await look(await device());
  expect(repository.asked).toHaveLength(2 * asked);
});

test('many at once find the same', async () => {
  const devices = await Promise.all(Array.from({ length: 20 }, () => device()));
  const found = await Promise.all(devices.map(look));
  expect(new Set(found.map((target) => target?.path))).toEqual(new Set([path]));
});

test('what comes next is found from where the others stand', async () => {
  const [first, second] = [await device(), await device()];
  await look(first);
  await look(second);
  path = repository.publish('thermo', '1.1.0').target.path;
  const runs = computed();
  expect((await look(first))?.path).toBe(path);
  expect((await look(second))?.path).toBe(path);
  expect(runs).toHaveLength(1);
});

test.each(['timestamp', 'snapshot', 'targets', 'thermo'])(
  'altered metadata of %s is refused by the device that got it, whoever verified the real one before',
  async (role) => {
    await look(await device());
    repository.alterMetadata = (name, bytes) =>
      name.endsWith(`${role}.json`)
        ? Buffer.from(bytes.toString().replace('"version":', '"version": '))
        : bytes;
    const signedAnew = look(await device());
    // White space changes no meaning and breaks no signature: what counts is what it says.
    await expect(signedAnew).resolves.toMatchObject({ path });
    repository.alterMetadata = (name, bytes) =>
      name.endsWith(`${role}.json`)
        ? Buffer.from(bytes.toString().replace(/"expires":"20/, '"expires":"21'))
        : bytes;
    await expect(look(await device())).rejects.toEqual(fault('signature'));
  },
);

test('metadata that was withheld from one is a fault of that one', async () => {
  await look(await device());
  repository.alterMetadata = (name, bytes) => (name.endsWith('snapshot.json') ? undefined : bytes);
  await expect(look(await device())).rejects.toBeInstanceOf(FaultError);
});

test('rollback: a device that has seen the newer is not led back by what others took', async () => {
  const [behind, ahead] = [await device(), await device()];
  await look(behind);
  const old = new Map(repository.files);
  repository.publish('thermo', '1.1.0');
  await look(ahead);
  repository.alterMetadata = (name, bytes) => old.get(name) ?? bytes;
  await expect(look(behind)).resolves.toMatchObject({ path });
  await expect(look(ahead)).rejects.toEqual(fault('signature'));
});

test('freeze: what others verified in time is refused by whoever comes too late', async () => {
  let now = Date.now();
  await look(await device(() => now));
  now = repository.expires.getTime() + DAY_MS;
  await expect(look(await device(() => now))).rejects.toEqual(fault('expired'));
});

test('what did not verify is not remembered: the next one finds out for itself', async () => {
  repository.alterMetadata = (name, bytes) =>
    name === 'timestamp.json'
      ? Buffer.from(bytes.toString().replace(/"expires":"20/, '"expires":"21'))
      : bytes;
  await expect(look(await device())).rejects.toEqual(fault('signature'));
  await expect(look(await device())).rejects.toEqual(fault('signature'));
  repository.alterMetadata = (_, bytes) => bytes;
  await expect(look(await device())).resolves.toMatchObject({ path });
});

test('without a connection, a device goes by what it holds itself', async () => {
  await look(await device());
  await expect((await device()).offline((view) => view.target(path))).rejects.toEqual(fault('link'));
});
