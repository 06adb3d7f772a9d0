import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DIRECTOR_KEYS_TARGET, type FaultKind } from '@wafer/protocol';
import { expect, test } from 'vitest';
import { openClock } from '../../src/link/clock.ts';
import { factoryRootPath } from '../../src/trust/generations.ts';
import { Trust } from '../../src/trust/updater.ts';
import { temporaryFolder } from '../folder.ts';
import { newSigner, Repository } from './repository.ts';

async function newBoard(repository: Repository, folder?: string, now: () => number = Date.now) {
  const data = folder ?? (await temporaryFolder());
  await mkdir(join(data, 'trust'), { recursive: true });
  await writeFile(factoryRootPath(data), repository.root);
  const clock = await openClock(data, { now });
  return { folder: data, trust: await Trust.open({ folder: data, requests: repository.requests, clock }) };
}

const fault = (kind: FaultKind) => expect.objectContaining({ fault: expect.objectContaining({ kind }) });

async function snapshotOf(folder: string): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const name of await readdir(join(folder, 'trust'), { recursive: true })) {
    const text = await readFile(join(folder, 'trust', name), 'utf8').catch(() => undefined);
    if (text !== undefined) all[name] = text;
  }
  return all;
}

async function generationFolder(folder: string): Promise<string> {
  const root = join(folder, 'trust', 'generations');
  const newest = Math.max(...(await readdir(root)).map(Number));
  return join(root, String(newest));
}

test('a published release is found, with what its publisher signed', async () => {
  const repository = new Repository();
  const { target, custom } = repository.publish('thermo', '1.0.0');
  const { trust } = await newBoard(repository);
  const found = await trust.refresh((view) => view.target(target.path));
  expect(found).toEqual({ path: target.path, length: target.length, sha256: target.sha256, custom });
});

test('a path that nobody signed is no target', async () => {
  const repository = new Repository();
  repository.publish('thermo', '1.0.0');
  const { trust } = await newBoard(repository);
  expect(await trust.refresh((view) => view.target('thermo/9.9.9/x.wasm'))).toBeUndefined();
});

test('what is new to a board comes with one question', async () => {
  const repository = new Repository();
  repository.publish('thermo', '1.0.0');
  const { trust } = await newBoard(repository);
  await trust.refresh((view) => view.target('thermo/9.9.9/x.wasm'));
  const { target } = repository.publish('thermo', '1.1.0');
  repository.asked = [];
  expect(await trust.refresh((view) => view.target(target.path))).toBeDefined();
  expect(repository.asked.map(({ want }) => want)).toEqual(['news']);
});

test('a server that knows no news is asked for each file', async () => {
  const repository = new Repository();
  repository.tellsNews = false;
  const { target } = repository.publish('thermo', '1.0.0');
  const { trust } = await newBoard(repository);
  expect(await trust.refresh((view) => view.target(target.path))).toBeDefined();
  expect(repository.asked.flatMap((question) => (question.want === 'metadata' ? question.name : []))).toEqual(
    [
      '2.root.json',
      'timestamp.json',
      expect.stringMatching(/snapshot/),
      expect.stringMatching(/targets/),
      expect.stringMatching(/thermo/),
    ],
  );
});

test('metadata larger than one response is read in parts', async () => {
  const repository = new Repository();
  const bytes = Buffer.alloc(32 * 1024 * 1024);
  const { target } = repository.publish('big', '1.0.0', { bytes });
  const { trust } = await newBoard(repository);
  expect((await trust.refresh((view) => view.target(target.path)))?.length).toBe(bytes.length);
  expect(repository.asked.some((question) => question.want === 'metadata' && question.offset > 0)).toBe(true);
});

test('deep offline: roots that were rotated while the board was away are followed one by one', async () => {
  const repository = new Repository();
  const { trust } = await newBoard(repository);
  await trust.refresh(async () => {});
  const old = repository.keys.root;
  repository.keys.root = newSigner();
  repository.rotateRoot([old, repository.keys.root]);
  repository.keys.timestamp = newSigner();
  repository.rotateRoot([repository.keys.root]);
  const { target } = repository.publish('thermo', '1.0.0');
  expect(await trust.refresh((view) => view.target(target.path))).toBeDefined();
});

test.each(['timestamp.json', '2.snapshot.json', '2.targets.json', '1.thermo.json'])(
  'arbitrary install: who alters %s gets a signature fault, and none of it is kept',
  async (name) => {
    const repository = new Repository();
    const { target } = repository.publish('thermo', '1.0.0');
    const { trust, folder } = await newBoard(repository);
    repository.alterMetadata = (asked, bytes) =>
      asked === name ? Buffer.from(bytes.toString('utf8').replace(/"version":\d+/, '"version":77')) : bytes;
    await expect(trust.refresh((view) => view.target(target.path))).rejects.toEqual(fault('signature'));
    expect(Object.values(await snapshotOf(folder)).filter((text) => text.includes('"version":77'))).toEqual(
      [],
    );
    repository.alterMetadata = (_, bytes) => bytes;
    expect(await trust.refresh((view) => view.target(target.path))).toBeDefined();
  },
);

test('arbitrary install: a new root that the old root did not sign is refused', async () => {
  const repository = new Repository();
  const { trust } = await newBoard(repository);
  repository.keys.root = newSigner();
  repository.rotateRoot([repository.keys.root]);
  await expect(trust.refresh(async () => {})).rejects.toEqual(fault('signature'));
});

test("arbitrary install: the server's online keys together cannot add a target", async () => {
  const repository = new Repository();
  const { target } = repository.publish('thermo', '1.0.0');
  const { trust } = await newBoard(repository);
  repository.sign({ targetsSigner: repository.keys.snapshot });
  await expect(trust.refresh((view) => view.target(target.path))).rejects.toEqual(fault('signature'));
  repository.sign({ appSigners: [repository.keys.timestamp] });
  await expect(trust.refresh((view) => view.target(target.path))).rejects.toEqual(fault('signature'));
});

test('rollback: a replayed older timestamp is refused', async () => {
  const repository = new Repository();
  const { trust } = await newBoard(repository);
  const old = repository.files.get('timestamp.json')!;
  repository.publish('thermo', '1.0.0');
  await trust.refresh(async () => {});
  repository.files.set('timestamp.json', old);
  await expect(trust.refresh(async () => {})).rejects.toEqual(fault('signature'));
});

test("freeze: expired metadata is an expired fault, whatever the board's clock is set back to", async () => {
  const repository = new Repository();
  let now = Date.now();
  const { trust } = await newBoard(repository, undefined, () => now);
  await trust.refresh(async () => {});
  repository.expires = new Date(now + 60_000);
  repository.sign();
  now += 120_000;
  await expect(trust.refresh(async () => {})).rejects.toEqual(fault('expired'));
  repository.expires = new Date(now + 3_600_000);
  repository.sign();
  await trust.refresh(async () => {});
  repository.expires = new Date(now - 30_000);
  repository.sign();
  now -= 86_400_000;
  await expect(trust.refresh(async () => {})).rejects.toEqual(fault('expired'));
});

test('a server that does not answer, or lacks a file, is a link fault', async () => {
  const repository = new Repository();
  const { trust } = await newBoard(repository);
  repository.alterMetadata = (name, bytes) => (name.includes('snapshot') ? undefined : bytes);
  await expect(trust.refresh(async () => {})).rejects.toEqual(fault('link'));
});

test('without network, what verified last is still known, even past its expiry', async () => {
  const repository = new Repository();
  repository.expires = new Date(Date.now() + 60_000);
  const { target } = repository.publish('thermo', '1.0.0');
  repository.sign();
  const { trust, folder } = await newBoard(repository);
  await trust.refresh((view) => view.target(target.path));
  const later = await newBoard(repository, folder, () => Date.now() + 3_600_000);
  const asked = repository.asked.length;
  expect(await later.trust.offline((view) => view.target(target.path))).toBeDefined();
  expect(Object.keys((await later.trust.offline((view) => view.directorKeys())).keys)).toHaveLength(1);
  expect(repository.asked.length).toBe(asked);
});

test('a board that never verified anything says so instead of trusting nothing', async () => {
  const { trust } = await newBoard(new Repository());
  await expect(trust.offline((view) => view.directorKeys())).rejects.toEqual(fault('link'));
});

test('truncation: each file of a generation may be cut at any place, and the one before takes over', async () => {
  const repository = new Repository();
  const { target } = repository.publish('thermo', '1.0.0');
  for (const name of ['root', 'timestamp', 'snapshot', 'targets', 'thermo']) {
    for (const part of [0, 0.5, 0.99]) {
      const { trust, folder } = await newBoard(repository);
      await trust.refresh((view) => view.target(target.path));
      const path = join(await generationFolder(folder), `${name}.json`);
      await truncate(path, Math.floor((await readFile(path)).length * part));
      const rebooted = await newBoard(repository, folder);
      expect(await rebooted.trust.refresh((view) => view.target(target.path))).toBeDefined();
    }
  }
});

test('truncation: with the current generation cut, the one before still serves offline', async () => {
  const repository = new Repository();
  const { target } = repository.publish('thermo', '1.0.0');
  const { trust, folder } = await newBoard(repository);
  await trust.refresh((view) => view.target(target.path));
  repository.sign();
  await trust.refresh((view) => view.target(target.path));
  await truncate(join(await generationFolder(folder), 'root.json'), 10);
  const rebooted = await newBoard(repository, folder);
  expect(await rebooted.trust.offline((view) => view.target(target.path))).toBeDefined();
});

test('truncation: the pointer may be cut: the slot before it, or the factory root, takes over', async () => {
  const repository = new Repository();
  const { trust, folder } = await newBoard(repository);
  await trust.refresh(async () => {});
  await truncate(join(folder, 'trust', 'current.b'), 20);
  const rebooted = await newBoard(repository, folder);
  await rebooted.trust.refresh(async () => {});
  expect(Object.keys((await rebooted.trust.offline((view) => view.directorKeys())).keys)).toHaveLength(1);
});

test('truncation: a generation that a power cut left behind is swept away', async () => {
  const repository = new Repository();
  const { trust, folder } = await newBoard(repository);
  await mkdir(join(folder, 'trust', 'generations', 'work-1234'), { recursive: true });
  await trust.refresh(async () => {});
  expect(await readdir(join(folder, 'trust', 'generations'))).toEqual(['1']);
});

test('director keys that stand only in the content are fetched, checked and kept', async () => {
  const repository = new Repository();
  repository.inlineDirectorKeys = false;
  repository.sign();
  const { trust } = await newBoard(repository);
  repository.alterChunk = (_, __, bytes) => Buffer.from(bytes.toString().replace('wafer', 'weefr'));
  await expect(trust.refresh((view) => view.directorKeys())).rejects.toEqual(fault('digest'));
  repository.alterChunk = (_, __, bytes) => bytes;
  const { keys } = await trust.refresh((view) => view.directorKeys());
  expect(keys).toEqual({ [repository.keys.director.id]: repository.keys.director.hex });
  expect(await trust.offline((view) => view.directorKeys())).toEqual({ wafer: 1, keys });
  expect((await trust.offline((view) => view.target(DIRECTOR_KEYS_TARGET)))?.custom).toEqual({});
});

test('a refresh that brings nothing new writes nothing', async () => {
  const repository = new Repository();
  const { trust, folder } = await newBoard(repository);
  await trust.refresh(async () => {});
  const before = await snapshotOf(folder);
  await trust.refresh(async () => {});
  expect(await snapshotOf(folder)).toEqual(before);
});
