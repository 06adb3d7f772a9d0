/** Publishing over real HTTP, judged by tuf-js as a device would judge it. */
import { createHash } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CHUNK_BYTES, ReleaseCustom, releaseTarget, AppName, Version, Digest } from '@wafer/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { board } from './board.ts';
import { padded, preview1Program, reactor } from './guests.ts';
import { type Person, signedIn } from './person.ts';

let person: Person;
beforeEach(async () => {
  person = await signedIn();
});
afterEach(() => person.leave());

const MANIFEST = 'app: demo\ngrants: { clock: true }\nlimits: { memoryMiB: 8 }\ntriggers: { everyMs: 500 }\n';

const device = () => board(person);

async function publish(version: string, component: Uint8Array, ...more: string[]) {
  await person.file('wafer.yaml', MANIFEST);
  const file = await person.file('demo.wasm', component);
  return person.wafer('publish', file, '--version', version, '--json', ...more);
}

describe('publishing', () => {
  beforeEach(async () => {
    await person.wafer('keys', 'init', '--no-passphrase');
  });

  it('gives a release that a device verifies, with everything in it that the agent needs', async () => {
    const component = padded(await reactor(['wasi:clocks/wall-clock@0.2.12']), 3 * CHUNK_BYTES);
    const published = await publish('1.0.0', component);
    expect(published).toMatchObject({ exit: 0, stderr: '' });
    const digest = createHash('sha256').update(component).digest('hex');
    expect(published.json()).toMatchObject({
      app: 'demo',
      version: '1.0.0',
      digest,
      counter: 1,
      fresh: true,
    });

    const path = releaseTarget(AppName.parse('demo'), Version.parse('1.0.0'), Digest.parse(digest));
    const target = await (await device()).getTargetInfo(path);
    expect(target).toMatchObject({ length: component.length, hashes: { sha256: digest } });
    const custom = ReleaseCustom.parse(target?.custom);
    expect(custom).toMatchObject({
      app: 'demo',
      version: '1.0.0',
      counter: 1,
      world: 'reactor',
      memoryMiB: 8,
      grants: { clock: true },
      imports: ['wasi:clocks/wall-clock@0.2.12'],
      exports: ['wafer:app/lifecycle@0.1.0'],
    });
    const chunkHash = (index: number) =>
      createHash('sha256')
        .update(component.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES))
        .digest('hex');
    expect(custom.chunks).toEqual([0, 1, 2, 3].map(chunkHash));
    expect(person.server.blobs.get(digest)).toEqual(Buffer.from(component));
  });

  it('gives director keys that a device verifies through the offline chain', async () => {
    const updater = await device();
    const target = await updater.getTargetInfo('director/keys.json');
    expect(target?.custom).toEqual(person.server.onlineKeys.director);
    const file = await updater.downloadTarget(target!);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(person.server.onlineKeys.director);
  });

  it('counts upwards, keeps earlier releases, and gives every app a key of its own', async () => {
    await publish('1.0.0', await reactor([], 'a'));
    expect((await publish('1.1.0', await reactor([], 'b'))).json()).toMatchObject({ counter: 2 });
    await person.file('other.yaml', 'grants: {}');
    const other = await publish('1.0.0', await reactor(), '--manifest', 'other.yaml', '--app', 'other');
    expect(other.json()).toMatchObject({ app: 'other', counter: 1 });

    const updater = await device();
    const paths = [...(person.server.roles.get('demo') ?? [])].at(-1)?.signed['targets'] as object;
    expect(Object.keys(paths)).toHaveLength(2);
    for (const path of Object.keys(paths)) expect(await updater.getTargetInfo(path)).toBeDefined();
    const keys = ['demo', 'other'].map((app) => person.server.latest(app).signatures[0]?.keyid);
    expect(new Set(keys).size).toBe(2);
  });

  it('moves the channel with all that the manifest says', async () => {
    await publish('1.0.0', await reactor(), '--channel', 'beta');
    expect(person.server.channels.get('beta/demo')).toMatchObject({
      version: '1.0.0',
      grants: { clock: true },
      triggers: { everyMs: 500 },
      limits: {
        memoryMiB: 8,
        deadlineMs: 1e3,
      },
    });
  });

  it('moves no channel when told not to', async () => {
    expect((await publish('1.0.0', await reactor(), '--no-channel')).json()).toMatchObject({ channel: null });
    expect(person.server.channels.size).toBe(0);
  });

  it('adapts a preview 1 program to a command', async () => {
    const published = await publish('1.0.0', await preview1Program());
    expect(published.json()).toMatchObject({ world: 'command', exports: ['wasi:cli/run@0.2.12'] });
    expect((published.json()['imports'] as string[]).every((name) => name.startsWith('wasi:'))).toBe(true);
  });

  it('makes a component of a .js guest with its imports and exports and no others', async () => {
    await person.file(
      'part.js',
      "import { log } from 'wasi:logging/logging@0.1.0-draft';\nexport const say = log;",
    );
    await person.file(
      'guest.js',
      "import { say } from './part.js';\nexport const lifecycle = { start() { say('info', '', 'up'); }, stop() {} };",
    );
    await person.file('wafer.yaml', MANIFEST);
    const published = await person.wafer('publish', 'guest.js', '--version', '1.0.0', '--json');
    expect(published).toMatchObject({ exit: 0 });
    expect(published.json()['imports']).toContain('wasi:logging/logging@0.1.0-draft');
    expect(published.json()['imports']).not.toContain('wasi:messaging/producer@0.2.0-draft');
    expect(published.json()['exports']).toContain('wafer:app/lifecycle@0.1.0');
    // The same sources again are the same release, not another one of the same version.
    const again = await person.wafer('publish', 'guest.js', '--version', '1.0.0', '--json');
    expect(again.json()).toMatchObject({ fresh: false, digest: published.json()['digest'] });
  });

  it('is finished by running it again, without another upload', async () => {
    const component = await reactor();
    await publish('1.0.0', component, '--no-channel');
    const uploads = () => person.server.requests.filter((line) => line.startsWith('PUT /blobs/')).length;
    expect(uploads()).toBe(1);
    expect((await publish('1.0.0', component)).json()).toMatchObject({
      fresh: false,
      counter: 1,
      channel: 'stable',
    });
    expect(uploads()).toBe(1);
    expect(person.server.latest('demo').signed['version']).toBe(1);
  });

  it('reads again and signs anew when somebody else published meanwhile', async () => {
    await publish('1.0.0', await reactor([], 'a'));
    let lost = 2;
    person.server.intercept = (request, path) =>
      request.method === 'POST' && path === '/releases' && lost-- > 0
        ? { status: 409, body: conflict }
        : undefined;
    expect((await publish('1.1.0', await reactor([], 'b'))).json()).toMatchObject({ counter: 2 });
  });

  it('gives up with a conflict when it keeps losing, with nothing half-stored', async () => {
    person.server.intercept = (request, path) =>
      request.method === 'POST' && path === '/releases' ? { status: 409, body: conflict } : undefined;
    expect(await publish('1.0.0', await reactor())).toMatchObject({ exit: 5 });
    expect(person.server.channels.size).toBe(0);
    person.server.intercept = undefined;
    expect(await publish('1.0.0', await reactor())).toMatchObject({ exit: 0 });
  });

  it('makes one key when an app is first published twice at once, and loses neither release', async () => {
    await person.file('wafer.yaml', MANIFEST);
    const [a, b] = [
      await person.file('a.wasm', await reactor([], 'a')),
      await person.file('b.wasm', await reactor([], 'b')),
    ];
    const runs = await Promise.all([
      person.wafer('publish', a, '--version', '1.0.0'),
      person.wafer('publish', b, '--version', '2.0.0'),
    ]);
    expect(runs.map(({ exit }) => exit)).toEqual([0, 0]);
    // A third one shows that the key on disk is the one that was delegated to.
    expect(await publish('3.0.0', await reactor([], 'c'))).toMatchObject({ exit: 0 });
    expect(Object.keys(person.server.latest('demo').signed['targets'] as object)).toHaveLength(3);
  });

  it('keeps its keys readable by their owner only', async () => {
    await publish('1.0.0', await reactor());
    for (const name of ['root.pem', 'targets.pem', 'app-demo.pem', 'root.json', 'seen.json']) {
      const { mode } = await stat(join(person.folder, 'wafer-keys', name));
      expect([name, (mode & 0o777).toString(8)]).toEqual([name, '600']);
    }
  });
});

const conflict = {
  type: 'urn:wafer:error:trust.version-conflict',
  title: 'conflict',
  status: 409,
  detail: 'somebody else was first',
  code: 'trust.version-conflict',
};

describe('founding the trust of a server', () => {
  it('says what it made, once; again it changes nothing', async () => {
    const first = (await person.wafer('keys', 'init', '--no-passphrase', '--json')).json();
    expect(first).toMatchObject({ fresh: true, keys: join(person.folder, 'wafer-keys') });
    const again = await person.wafer('keys', 'init', '--no-passphrase', '--json');
    expect(again.json()).toEqual({ ...first, fresh: false });
    expect(person.server.roles.get('root')).toHaveLength(1);
  });

  it('carries on after a run that was cut off before root.json was kept', async () => {
    const first = (await person.wafer('keys', 'init', '--no-passphrase', '--json')).json();
    await rm(join(person.folder, 'wafer-keys/root.json'));
    expect((await person.wafer('keys', 'init', '--no-passphrase', '--json')).json()).toEqual({
      ...first,
      fresh: false,
    });
    expect(await publish('1.0.0', await reactor())).toMatchObject({ exit: 0 });
  });

  it('refuses a server that other keys founded', async () => {
    await person.wafer('keys', 'init', '--no-passphrase');
    const other = await person.wafer('keys', 'init', '--no-passphrase', '--keys', 'other');
    expect(other.exit).toBe(5);
    expect(other.stderr).toMatch(/^error trust.version-conflict: .*other keys than those in .*other/);
  });

  it('refuses to use keys that founded another server', async () => {
    await person.wafer('keys', 'init', '--no-passphrase');
    person.server.roles.clear();
    const again = await person.wafer('keys', 'init', '--no-passphrase');
    expect(again).toMatchObject({ exit: 5 });
    expect(again.stderr).toMatch(/founded another server/);
  });
});
