import type { KeyObject } from 'node:crypto';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import {
  Days,
  Hours,
  SignedTime,
  canonicalBytes,
  isSignedBy,
  keyId,
  type SignedMetadata,
} from '@wafer/protocol';
import { sql } from 'drizzle-orm';
import { Updater, BaseFetcher } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { loadSigners, onlineKeys, renewOnline, trustedRoot } from '../src/releases/index.ts';
import { folderForTest } from './harness.ts';
import { fleet, type Fleet } from './releases-fleet.ts';
import { Publisher, idOf, newKey, reactor, sha256, signed } from './releases-publisher.ts';

let house: Fleet;
beforeAll(async () => void (house = await fleet()));
afterAll(() => house.close());

async function bareFleet(): Promise<Fleet> {
  const bare = await fleet({ trusted: false });
  onTestFinished(() => bare.close());
  return bare;
}

test('the online keys are made once, for their owner alone, and are read again afterwards', async () => {
  const folder = join(await folderForTest(), 'keys');
  const [first, rival] = await Promise.all([loadSigners(folder), loadSigners(folder)]);
  expect(onlineKeys(rival)).toEqual(onlineKeys(first));
  expect(onlineKeys(await loadSigners(folder))).toEqual(onlineKeys(first));
  for (const name of ['snapshot', 'timestamp', 'director'])
    expect((await stat(join(folder, `${name}.pem`))).mode & 0o777).toBe(0o600);
});

test('a key file that holds something else stops the start instead of being replaced', async () => {
  const folder = await folderForTest();
  await writeFile(join(folder, 'director.pem'), 'not a key');
  await expect(loadSigners(folder)).rejects.toThrow();
});

test('before trust there is no root, nothing to enrol with, and nothing can be published', async () => {
  const bare = await bareFleet();
  expect((await bare.call('GET', '/trust/status')).body).toEqual({
    initialised: false,
    versions: {},
    expires: {},
  });
  expect(await trustedRoot(bare.deps)).toBeUndefined();
  bare.publisher.addApp('early');
  const made = await reactor('early');
  await bare.upload(made);
  const { request } = bare.publisher.release('early', '1.0.0', made);
  expect((await bare.call('POST', '/releases', request)).body).toMatchObject({
    code: 'trust.not-initialised',
  });
});

test('a first root that breaks a rule is refused, and leaves the server without a root', async () => {
  const bare = await bareFleet();
  const { publisher } = bare;
  const targets = publisher.targets();
  const root = (
    change: (body: ReturnType<Publisher['rootBody']>) => void,
    keys = publisher.rootKeys,
  ): SignedMetadata => {
    const body = structuredClone(publisher.rootBody(1));
    change(body);
    return signed(body, ...keys);
  };
  const online = publisher.online;
  const attempts: [string, SignedMetadata, string][] = [
    [
      'signed by one of two keys',
      root(() => undefined, publisher.rootKeys.slice(0, 1)),
      'trust.signature-invalid',
    ],
    ['signed by strangers', root(() => undefined, [newKey(), newKey()]), 'trust.signature-invalid'],
    [
      'without consistent snapshots',
      root((body) => void (body['consistent_snapshot'] = false)),
      'release.metadata-invalid',
    ],
    [
      'for the timestamp key of another server',
      root((body) => void (body.roles['timestamp'] = { keyids: [idOf(publisher.targetsKey)], threshold: 1 })),
      'release.metadata-invalid',
    ],
    [
      'that gives the targets to the server',
      root((body) => void body.roles['targets']?.keyids.push(keyId(online.snapshot))),
      'release.metadata-invalid',
    ],
    [
      'with one key under two ids',
      root((body) => {
        const keys = body['keys'] as Record<string, unknown>;
        keys['f'.repeat(64)] = keys[idOf(publisher.targetsKey)];
      }),
      'release.metadata-invalid',
    ],
    ['that begins at version 2', root((body) => void (body['version'] = 2)), 'release.metadata-invalid'],
    [
      'that has expired',
      root((body) => void (body['expires'] = '2020-01-01T00:00:00Z')),
      'release.metadata-invalid',
    ],
  ];
  for (const [what, given, code] of attempts) {
    const { body } = await bare.call('POST', '/trust', { root: given, targets });
    expect({ what, code: body.code }).toEqual({ what, code });
  }
  expect((await bare.call('GET', '/trust/status')).body.initialised).toBe(false);
  expect(await bare.rows(sql`select 1 from tuf_metadata`)).toEqual([]);
});

test('first targets must name the director of this server, in custom and in content', async () => {
  const bare = await bareFleet();
  const { publisher } = bare;
  const root = publisher.root();
  const foreign = new Publisher({
    ...publisher.online,
    director: { wafer: 1, keys: { [idOf(newKey())]: 'a'.repeat(64) } },
  });
  const post = async (body: Record<string, unknown>): Promise<string> =>
    (await bare.call('POST', '/trust', { root, targets: signed(body, publisher.targetsKey) })).body.code;
  const changed = (value: object): Record<string, unknown> => {
    const body = publisher.targetsBody(1);
    const [[path, target]] = Object.entries(body['targets'] as object) as [[string, object]];
    return { ...body, targets: { [path]: { ...target, ...value } } };
  };
  expect(await post(foreign.targetsBody(1))).toBe('release.metadata-invalid');
  expect(await post(changed({ length: 5 }))).toBe('release.metadata-invalid');
  expect(await post(changed({ hashes: { sha256: 'b'.repeat(64) } }))).toBe('release.metadata-invalid');
  expect(await post({ ...publisher.targetsBody(1), targets: {} })).toBe('release.metadata-invalid');
});

test('an app may not be delegated the paths of another', async () => {
  const bare = await bareFleet();
  const { publisher } = bare;
  publisher.addApp('greedy');
  const body = structuredClone(publisher.targetsBody(1)) as { delegations: { roles: { paths: string[] }[] } };
  body.delegations.roles[0]?.paths.push('thermo/*/*');
  const init = { root: publisher.root(), targets: signed(body, publisher.targetsKey) };
  expect((await bare.call('POST', '/trust', init)).body).toMatchObject({ code: 'release.metadata-invalid' });
});

test('there is one first root: a second is refused, also at the same time, and so is an operator', async () => {
  const bare = await bareFleet();
  const init = bare.publisher.init();
  expect((await bare.call('POST', '/trust', init, { role: 'operator' })).body).toMatchObject({
    code: 'auth.forbidden',
  });
  const answers = await Promise.all([bare.call('POST', '/trust', init), bare.call('POST', '/trust', init)]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
  expect((await bare.call('POST', '/trust', init)).body).toMatchObject({ code: 'trust.version-conflict' });
  expect((await bare.call('GET', '/trust/status')).body.versions).toEqual({
    root: 1,
    targets: 1,
    snapshot: 1,
    timestamp: 1,
  });
});

test('metadata is served byte for byte as it was signed', async () => {
  const { content } = (await house.call('GET', '/trust/roles/root')).body;
  const response = await house.app.inject({
    url: '/api/v1/trust/metadata/1.root.json',
    headers: { authorization: house.as('viewer') },
  });
  expect(response.body).toBe(content);
  expect(await trustedRoot(house.deps)).toBe(content);
  expect((await house.call('GET', '/trust/metadata/99.root.json')).status).toBe(404);
  expect((await house.call('GET', '/trust/metadata/..%2froot.json')).body).toMatchObject({
    code: 'request.invalid',
  });
  expect((await house.call('GET', '/trust/roles/nothing')).status).toBe(404);
});

/** As a device does it with its own transport: a 404 is how tuf-js learns that there is no newer root. */
class ApiFetcher extends BaseFetcher {
  readonly #fleet: Fleet;
  readonly asked: string[] = [];

  constructor(from: Fleet) {
    super();
    this.#fleet = from;
  }

  override async fetch(url: string): ReturnType<BaseFetcher['fetch']> {
    const name = url.split('/').at(-1) as string;
    this.asked.push(name);
    const response = await this.#fleet.app.inject({
      url: `/api/v1/trust/metadata/${name}`,
      headers: { authorization: this.#fleet.as('viewer') },
    });
    if (response.statusCode !== 200) throw new DownloadHTTPError('refused', response.statusCode);
    return new Response(new Uint8Array(response.rawPayload)).body as Awaited<
      ReturnType<BaseFetcher['fetch']>
    >;
  }
}

interface Client {
  refresh(): Promise<{ updater: Updater; asked: string[] }>;
}

/** A device's TUF client on a folder of its own, which trusts what it was enrolled with. */
async function client(of: Fleet): Promise<Client> {
  const metadataDir = join(await folderForTest(), 'tuf');
  await mkdir(metadataDir);
  await writeFile(join(metadataDir, 'root.json'), (await trustedRoot(of.deps)) as string);
  return {
    async refresh() {
      const fetcher = new ApiFetcher(of);
      const updater = new Updater({ metadataDir, metadataBaseUrl: 'http://fleet', fetcher });
      await updater.refresh();
      return { updater, asked: fetcher.asked };
    },
  };
}

test('tuf-js follows what is served: new releases, a timestamp and a snapshot signed again', async () => {
  const own = await bareFleet();
  await own.call('POST', '/trust', own.publisher.init());
  const device = await client(own);
  const { updater: first } = await device.refresh();
  const director = await first.getTargetInfo('director/keys.json');
  expect(director).toMatchObject({ length: canonicalBytes(own.publisher.online.director).length });

  const made = await reactor('tuf 1.0.0', 50_000);
  expect(await own.publish('tuf', '1.0.0', made)).toMatchObject({ status: 201 });
  const path = `tuf/1.0.0/${made.digest}.wasm`;
  const found = await (await device.refresh()).updater.getTargetInfo(path);
  expect(found).toMatchObject({
    length: made.bytes.length,
    hashes: { sha256: made.digest },
    custom: { app: 'tuf', counter: 1 },
  });

  own.clock.advance(Hours(13));
  await renewOnline(own.deps);
  expect((await own.call('GET', '/trust/status')).body.versions).toMatchObject({ snapshot: 2, timestamp: 3 });
  expect(await (await device.refresh()).updater.getTargetInfo(path)).toBeDefined();

  own.clock.advance(Days(3));
  await renewOnline(own.deps);
  const { versions } = (await own.call('GET', '/trust/status')).body;
  expect(versions).toMatchObject({ snapshot: 3, timestamp: 4 });
  expect(await (await device.refresh()).updater.getTargetInfo(path)).toBeDefined();
});

test('a next root takes the old threshold and the new one, and tuf-js follows it', async () => {
  const own = await bareFleet();
  await own.call('POST', '/trust', own.publisher.init());
  const device = await client(own);
  await device.refresh();
  const old = [...own.publisher.rootKeys];
  const fresh = [newKey(), newKey()];
  own.publisher.rootKeys.splice(0, 2, ...fresh);
  const body = own.publisher.rootBody(2);
  const post = (...keys: KeyObject[]) => own.call('POST', '/trust/metadata', { root: signed(body, ...keys) });
  // new keys alone
  expect((await post(...fresh)).body).toMatchObject({ code: 'trust.signature-invalid' });
  // old keys alone
  expect((await post(...old)).body).toMatchObject({ code: 'trust.signature-invalid' });
  // one new key short
  expect((await post(...old, ...fresh.slice(0, 1))).body).toMatchObject({
    code: 'trust.signature-invalid',
  });
  expect((await post(...old, ...fresh)).body).toMatchObject({
    versions: { root: 2, snapshot: 2, timestamp: 2 },
  });
  // the same again
  expect((await post(...old, ...fresh)).body).toMatchObject({
    code: 'trust.version-conflict',
  });
  const { asked, updater } = await device.refresh();
  expect(asked).toContain('2.root.json');
  expect(await updater.getTargetInfo('director/keys.json')).toBeDefined();

  const stolen = own.publisher.rootBody(3);
  stolen.roles['targets'] = { keyids: [idOf(fresh[0] as never)], threshold: 1 };
  const orphaning = signed(stolen, ...fresh);
  // targets that no key signed any more
  expect((await own.call('POST', '/trust/metadata', { root: orphaning })).body).toMatchObject({
    code: 'trust.signature-invalid',
  });
});

test('what was signed is renewed by several servers at once without harm, and is left alone while it is fresh', async () => {
  const before = (await house.call('GET', '/trust/status')).body.versions;
  await renewOnline(house.deps);
  expect((await house.call('GET', '/trust/status')).body.versions).toEqual(before);
  house.clock.advance(Days(30));
  await Promise.all([renewOnline(house.deps), renewOnline(house.deps), renewOnline(house.deps)]);
  const after = (await house.call('GET', '/trust/status')).body;
  expect(after.versions).toEqual({
    ...before,
    snapshot: before.snapshot + 1,
    timestamp: before.timestamp + 1,
  });
  expect(Date.parse(after.expires.timestamp)).toBeGreaterThan(house.clock.now());
});

test('a device is told the time under its nonce, signed by the director for it alone', async () => {
  const device = await house.enrol('stable');
  const nonce = '0123456789abcdef'.repeat(2);
  const { header, body } = await house.bus.ask(device, { want: 'time', nonce });
  expect(header).toEqual({ id: 1, status: 'ok', encoding: 'identity' });
  const told = SignedTime.parse(JSON.parse(body.toString()));
  const time = new Date(house.clock.now()).toISOString();
  expect(told.signed).toEqual({ _type: 'wafer-time', device, nonce, time });
  expect(isSignedBy(told.signed, told.signatures, house.publisher.online.director.keys)).toBe(true);
  expect((await house.bus.ask(device, { want: 'time', nonce: 'short' })).header).toMatchObject({
    code: 'invalid',
  });
});

test('a device is told at once what it lacks of the repository, and of roles that it does not keep nothing', async () => {
  const device = await house.enrol('stable');
  await house.publish('small', '1.0.0', await reactor('small', 1000));
  await house.publish('constructor', '1.0.0', await reactor('constructor', 1000));
  const versionOf = async (role: string): Promise<number> =>
    (await house.call('GET', `/trust/roles/${role}`)).body.version;
  const root = await versionOf('root');
  const read = async (name: string) =>
    (await house.bus.ask(device, { want: 'metadata', name, offset: 0 })).body;
  const news = (known: object) => house.bus.ask(device, { want: 'news', known });

  const all = await news({ root, timestamp: 0, snapshot: 0, targets: 0, small: 0 });
  const { files } = all.header as { files: { name: string; bytes: number }[] };
  const names = files.map(({ name }) => name);
  expect(names.slice(0, 2)).toEqual([`${root + 1}.root.json`, 'timestamp.json']);
  expect(names[2]).toMatch(/^\d+\.snapshot\.json$/);
  expect(names.slice(3).toSorted()).toEqual(
    [`${await versionOf('small')}.small.json`, `${await versionOf('targets')}.targets.json`].toSorted(),
  );
  expect(files[0]?.bytes).toBe(0);
  const singly: Buffer[] = [];
  for (const name of names.slice(1)) singly.push(await read(name));
  expect(all.body).toEqual(Buffer.concat(singly));

  const snapshot = Number(names[2]?.split('.')[0]);
  const none = await news({ root, timestamp: 1, snapshot, targets: 1, small: 1 });
  expect((none.header as typeof all.header & { files: object[] }).files).toEqual(files.slice(0, 2));
  expect((await news({ __proto__: 1, 'no role': 1 })).header).toMatchObject({ code: 'invalid' });
});

test('devices fetch metadata in pieces, and the keys of the director as a blob', async () => {
  const device = await house.enrol('stable');
  await house.publish('big', '1.0.0', await reactor('big', 30 * 32 * 1024));
  const { version, content } = (await house.call('GET', '/trust/roles/big')).body;
  const whole = Buffer.from(content);
  const name = `${version}.big.json`;
  const first = await house.bus.ask(device, { want: 'metadata', name, offset: 0 });
  expect(first.header).toEqual({ id: 1, status: 'ok', total: whole.length, encoding: 'identity' });
  const rest = await house.bus.ask(device, { want: 'metadata', name, offset: 1000 });
  expect(Buffer.concat([first.body.subarray(0, 1000), rest.body])).toEqual(whole);
  expect(
    (await house.bus.ask(device, { want: 'metadata', name: '7.big.json', offset: 0 })).header,
  ).toMatchObject({ code: 'not-found' });
  expect(
    (await house.bus.ask(device, { want: 'metadata', name: 'timestamp.json', offset: 0 })).header,
  ).toMatchObject({ status: 'ok' });

  const keys = canonicalBytes(house.publisher.online.director);
  const chunk = await house.bus.ask(device, { want: 'chunk', digest: sha256(keys), index: 0 });
  expect(chunk.header).toMatchObject({ status: 'ok' });
  expect(chunk.header['encoding'] === 'zstd' ? zstdDecompressSync(chunk.body) : chunk.body).toEqual(keys);
});
