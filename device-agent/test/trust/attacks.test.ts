/** The attacks that TUF names (1.0, clause 1.5.2), against the updater as it runs on a board. */
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FaultKind } from '@wafer/protocol';
import { beforeEach, describe, expect, test } from 'vitest';
import { openClock } from '../../src/link/clock.ts';
import type { Requests } from '../../src/link/requests.ts';
import { factoryRootPath } from '../../src/trust/generations.ts';
import { Trust } from '../../src/trust/updater.ts';
import { temporaryFolder } from '../folder.ts';
import { newSigner, Repository } from './repository.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

let repository: Repository;
let folder: string;
let now: number;

beforeEach(async () => {
  repository = new Repository();
  folder = await temporaryFolder();
  now = Date.now();
  await mkdir(join(folder, 'trust'), { recursive: true });
  await writeFile(factoryRootPath(folder), repository.root);
});

/** The board after a start: all that it knows is on its disk. */
async function boot(requests: Pick<Requests, 'ask'> = repository.requests): Promise<Trust> {
  const clock = await openClock(folder, { now: () => now });
  return Trust.open({ folder, requests, clock });
}

const refresh = async (requests?: Pick<Requests, 'ask'>): Promise<void> =>
  (await boot(requests)).refresh(async () => {});

const fault = (kind: FaultKind) => expect.objectContaining({ fault: expect.objectContaining({ kind }) });

async function kept(role: string): Promise<string | undefined> {
  const root = join(folder, 'trust', 'generations');
  const newest = Math.max(...(await readdir(root)).map(Number));
  return readFile(join(root, String(newest), `${role}.json`), 'utf8').catch(() => undefined);
}

const withheld = (part: string) => (name: string, bytes: Buffer) => (name.includes(part) ? undefined : bytes);
const everything = (_: string, bytes: Buffer): Buffer => bytes;

test('rollback: an older snapshot under a newer timestamp is refused', async () => {
  repository.publish('thermo', '1.0.0');
  await refresh();
  repository.countFrom({ snapshot: 0 });
  repository.sign();
  await expect(refresh()).rejects.toEqual(fault('signature'));
});

test('rollback: older targets under a newer snapshot are refused', async () => {
  repository.publish('thermo', '1.0.0');
  await refresh();
  repository.countFrom({ targets: 0 });
  repository.sign();
  await expect(refresh()).rejects.toEqual(fault('signature'));
});

test('rollback: what a refresh saw before it failed counts, also after a power cut', async () => {
  await refresh();
  const old = repository.files.get('timestamp.json')!;
  repository.sign();
  repository.alterMetadata = withheld('snapshot');
  await expect(refresh()).rejects.toEqual(fault('link'));
  repository.alterMetadata = everything;
  repository.files.set('timestamp.json', old);
  await expect(refresh()).rejects.toEqual(fault('signature'));
});

test('fast-forward: versions that a thief of the online keys raised are left behind with the keys', async () => {
  await refresh();
  repository.countFrom({ snapshot: 1_000_000, timestamp: 1_000_000 });
  repository.sign();
  await refresh();
  repository.countFrom({ snapshot: 5, timestamp: 5 });
  repository.sign();
  await expect(refresh()).rejects.toEqual(fault('signature'));
  repository.keys.timestamp = newSigner();
  repository.keys.snapshot = newSigner();
  repository.rotateRoot();
  repository.sign();
  await refresh();
  expect(await kept('snapshot')).toContain('"version":7');
});

test.each(['snapshot', 'timestamp'] as const)(
  'fast-forward: a raised snapshot is recovered from with a new %s key alone',
  async (role) => {
    repository.countFrom({ snapshot: 1_000_000 });
    repository.sign();
    await refresh();
    repository.keys[role] = newSigner();
    repository.rotateRoot();
    repository.countFrom({ snapshot: 5 });
    repository.sign();
    await refresh();
    expect(await kept('snapshot')).toContain('"version":6');
  },
);

test('freeze: a server that always gives the same is found out when the timestamp expires', async () => {
  repository.expires = new Date(now + DAY_MS);
  repository.sign();
  await refresh();
  await refresh();
  now += 2 * DAY_MS;
  await expect(refresh()).rejects.toEqual(fault('expired'));
});

test('freeze: a root that takes keys away is not forgotten because the rest is withheld', async () => {
  await refresh();
  const stolen = repository.keys.timestamp;
  repository.keys.timestamp = newSigner();
  repository.rotateRoot();
  repository.alterMetadata = withheld('timestamp');
  await expect(refresh()).rejects.toEqual(fault('link'));
  repository.alterMetadata = withheld('root');
  repository.keys.timestamp = stolen;
  repository.sign();
  await expect(refresh()).rejects.toEqual(fault('signature'));
});

test.each(['2.root.json', 'timestamp.json', '2.snapshot.json', '2.targets.json', '1.thermo.json'])(
  'endless data: %s that does not end is cut off at its bound',
  async (name) => {
    const { target } = repository.publish('thermo', '1.0.0');
    repository.rotateRoot();
    repository.tellsNews = false;
    let given = 0;
    const endless: Pick<Requests, 'ask'> = {
      ask: async (question) => {
        if (question.want !== 'metadata' || question.name !== name) return repository.requests.ask(question);
        const body = Buffer.alloc(32_768, ' ');
        given += body.length;
        return { status: 'ok', header: { id: 1, status: 'ok', encoding: 'identity', total: 1e12 }, body };
      },
    };
    const trust = await boot(endless);
    await expect(trust.refresh((view) => view.target(target.path))).rejects.toEqual(fault('signature'));
    expect(given).toBeLessThanOrEqual(32_768);
  },
);

test('endless data: what comes unasked is no longer than what is asked for may be', async () => {
  const { target } = repository.publish('thermo', '1.0.0');
  const altered: string[] = [];
  repository.alterMetadata = (name, bytes) => {
    if (name !== 'timestamp.json') return bytes;
    altered.push(name);
    return Buffer.concat([bytes, Buffer.alloc(16_384, ' ')]);
  };
  const trust = await boot();
  await expect(trust.refresh((view) => view.target(target.path))).rejects.toEqual(fault('signature'));
  expect(altered).toEqual(['timestamp.json']);
});

test('endless data: a file that comes byte by byte is not waited for', async () => {
  let asked = 0;
  repository.tellsNews = false;
  const dripping: Pick<Requests, 'ask'> = {
    ask: async (question) => {
      if (question.want !== 'metadata' || question.name !== 'timestamp.json')
        return repository.requests.ask(question);
      asked += 1;
      const header = { id: 1, status: 'ok', encoding: 'identity', total: 16_000 } as const;
      return { status: 'ok', header, body: Buffer.from(' ') };
    },
  };
  await expect(refresh(dripping)).rejects.toEqual(fault('link'));
  expect(asked).toBeLessThan(2000);
});

test('endless data: a length that a stolen timestamp key signed does not raise the bound', async () => {
  repository.sign({ snapshotLength: 3_000_000 });
  repository.alterMetadata = (name, bytes) =>
    name.includes('snapshot') ? Buffer.concat([bytes, Buffer.alloc(3_000_000 - bytes.length, ' ')]) : bytes;
  await expect(refresh()).rejects.toEqual(fault('signature'));
});

test('mix and match: targets of one state under the snapshot of another are refused', async () => {
  const { target } = repository.publish('thermo', '1.0.0');
  repository.publish('thermo', '1.1.0');
  const [targets, thermo] = ['2.targets.json', '1.thermo.json'].map((name) => repository.files.get(name)!);
  repository.alterMetadata = (name, bytes) => (/^[3-9]\.targets/.test(name) ? targets : bytes);
  await expect(refresh()).rejects.toEqual(fault('signature'));
  repository.alterMetadata = (name, bytes) => (name === '2.thermo.json' ? thermo : bytes);
  const trust = await boot();
  await expect(trust.refresh((view) => view.target(target.path))).rejects.toEqual(fault('signature'));
});

test('mix and match: a role may not stand in for another that the same key signs', async () => {
  const { target } = repository.publish('thermo', '1.0.0');
  repository.publish('pump', '1.0.0');
  const pump = repository.files.get('1.pump.json')!;
  repository.alterMetadata = (name, bytes) => (name === '1.thermo.json' ? pump : bytes);
  const trust = await boot();
  expect(await trust.refresh((view) => view.target(target.path))).toBeUndefined();
});

test('truncation: whatever the updater writes may be cut or empty, and the board still catches up', async () => {
  repository.inlineDirectorKeys = false;
  const { target } = repository.publish('thermo', '1.0.0');
  const use = async (trust: Trust) =>
    trust.refresh(async (view) => ({
      keys: await view.directorKeys(),
      target: await view.target(target.path),
    }));
  await use(await boot());
  repository.sign();
  const good = await use(await boot());
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => path !== factoryRootPath(folder));
  expect(names.length).toBeGreaterThan(12);
  for (const path of names) {
    for (const part of [0, 0.5]) {
      const bytes = await readFile(path).catch(() => undefined);
      // A generation that was cut before has been swept away by now.
      if (bytes === undefined) continue;
      await truncate(path, Math.floor(bytes.length * part));
      expect(await use(await boot())).toEqual(good);
      expect(await (await boot()).offline((view) => view.target(target.path))).toEqual(good.target);
    }
  }
});

test('truncation: with nothing left but the factory root, trust starts over from there', async () => {
  await refresh();
  const paths = await readdir(join(folder, 'trust'), { recursive: true, withFileTypes: true });
  for (const entry of paths.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if (path !== factoryRootPath(folder)) await truncate(path, 0);
  }
  await refresh();
  expect(await kept('timestamp')).toBeDefined();
});

test('deep offline: a year and four generations of every key later, the board catches up alone', async () => {
  repository.publish('thermo', '1.0.0');
  await refresh();
  now += YEAR_MS + 30 * DAY_MS;
  repository.expires = new Date(now + 7 * DAY_MS);
  for (let times = 0; times < 4; times += 1) {
    const old = repository.keys.root;
    for (const role of ['root', 'targets', 'snapshot', 'timestamp', 'app', 'director'] as const)
      repository.keys[role] = newSigner();
    repository.rotateRoot([old, repository.keys.root]);
  }
  const { target } = repository.publish('thermo', '2.0.0');
  const trust = await boot();
  expect(await trust.refresh((view) => view.target(target.path))).toBeDefined();
  expect(await kept('root')).toContain('"version":5');
});

test('deep offline: a link that breaks half-way costs only what was not there yet', async () => {
  repository.tellsNews = false;
  await refresh();
  for (let times = 0; times < 3; times += 1) repository.rotateRoot();
  repository.sign();
  repository.alterMetadata = withheld('timestamp');
  await expect(refresh()).rejects.toEqual(fault('link'));
  repository.alterMetadata = everything;
  repository.asked = [];
  await refresh();
  const roots = repository.asked.filter((asked) => asked.want === 'metadata' && asked.name.includes('root'));
  expect(roots.map((asked) => asked.want === 'metadata' && asked.name)).toEqual(['5.root.json']);
});

test.each([
  ['with new keys of the thief under the old threshold', 3, 2],
  ['with the threshold lowered to the one key', 1, 1],
])('one of three root keys stolen: a new root is refused, %s', async (_, rootKeys, rootThreshold) => {
  repository = new Repository({ rootKeys: 3, rootThreshold: 2 });
  await writeFile(factoryRootPath(folder), repository.root);
  await refresh();
  const [, stolen] = repository.roots;
  // The thief's own keys in every place.
  for (const role of ['root', 'targets', 'snapshot', 'timestamp'] as const)
    repository.keys[role] = newSigner();
  repository.coRoots = Array.from({ length: rootKeys - 1 }, newSigner);
  repository.rootThreshold = rootThreshold;
  repository.rotateRoot([stolen!, stolen!, ...repository.roots]);
  repository.sign();
  await expect(refresh()).rejects.toEqual(fault('signature'));
  expect(await kept('root')).toContain('"version":1');
});

test('one of three root keys stolen: the other two put another in its place, and it is worth nothing', async () => {
  repository = new Repository({ rootKeys: 3, rootThreshold: 2 });
  await writeFile(factoryRootPath(folder), repository.root);
  await refresh();
  const [first, stolen, third] = repository.roots;
  repository.coRoots = [third!, newSigner()];
  repository.rotateRoot([first!, third!]);
  // The new root must be signed by its own threshold, too: the same two do.
  await refresh();
  expect(await kept('root')).toContain('"version":2');
  expect(await kept('root')).not.toContain(stolen!.id);
  repository.rotateRoot([stolen!, third!]);
  await expect(refresh()).rejects.toEqual(fault('signature'));
  repository.countFrom({ root: 2 });
  repository.rotateRoot([first!, third!]);
  await refresh();
  expect(await kept('root')).toContain('"version":3');
});

describe('one of two keys of an app stolen', () => {
  beforeEach(async () => {
    repository = new Repository();
    repository.coApps = [newSigner()];
    repository.appThreshold = 2;
    await writeFile(factoryRootPath(folder), repository.root);
  });

  test('a release that both signed is genuine, and one that it signed alone is refused', async () => {
    const both = repository.publish('thermo', '1.0.0');
    const trust = await boot();
    expect(await trust.refresh((view) => view.target(both.target.path))).toBeDefined();
    const alone = repository.publish('thermo', '6.6.6');
    for (const thief of [repository.keys.app, ...repository.coApps]) {
      for (const appSigners of [[thief], [thief, thief], [thief, newSigner()]]) {
        repository.sign({ appSigners });
        await expect(trust.refresh((view) => view.target(alone.target.path))).rejects.toEqual(
          fault('signature'),
        );
      }
    }
  });

  test('its own delegation with a threshold of one is refused: targets sign that', async () => {
    const [thief] = repository.coApps;
    const { target } = repository.publish('thermo', '1.0.0');
    const trust = await boot();
    await trust.refresh((view) => view.target(target.path));
    repository.appThreshold = 1;
    repository.sign({ targetsSigner: thief!, appSigners: [thief!] });
    await expect(trust.refresh((view) => view.target(target.path))).rejects.toEqual(fault('signature'));
  });

  test('the other key and a new one take its place by targets alone, and it signs nothing more', async () => {
    const [thief] = repository.coApps;
    const { target } = repository.publish('thermo', '1.0.0');
    const trust = await boot();
    await trust.refresh((view) => view.target(target.path));
    repository.coApps = [newSigner()];
    repository.publish('thermo', '1.1.0');
    expect(await trust.refresh((view) => view.target(target.path))).toBeDefined();
    const evil = repository.publish('thermo', '6.6.6');
    repository.sign({ appSigners: [repository.keys.app, thief!] });
    await expect(trust.refresh((view) => view.target(evil.target.path))).rejects.toEqual(fault('signature'));
  });
});
