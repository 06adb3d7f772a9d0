/** Ceremonies over real HTTP, on several machines; what comes of them is judged by tuf-js, as a board does. */
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keyId } from '@wafer/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { board } from '../board.ts';
import { reactor } from '../guests.ts';
import { type Person, type Run, signedIn } from '../person.ts';
import { problem } from '../fleet-server.ts';

let person: Person;
beforeEach(async () => {
  person = await signedIn();
});
afterEach(() => person.leave());

const DAY_MS = 86_400_000;
const machine = (name: string): string => join(person.folder, name);
const main = () => machine('wafer-keys');

async function publish(app: string, version: string, ...more: string[]): Promise<Run> {
  const file = await person.file(`${app}.wasm`, await reactor([], `${app} ${version}`));
  return person.wafer('publish', file, '--app', app, '--version', version, '--json', ...more);
}

const mustWork = async (...args: string[]): Promise<Record<string, unknown>> => {
  const run = await person.wafer('keys', ...args, '--json');
  expect(run).toMatchObject({ exit: 0 });
  return run.json();
};

const rolesOfRoot = () =>
  person.server.latest('root').signed['roles'] as Record<string, { keyids: string[]; threshold: number }>;
const targetsOf = (role: string) =>
  person.server.latest(role).signed['targets'] as Record<string, { custom: Record<string, unknown> }>;

/** Moves a key to a machine of its own, with the root beside it, as the ceremony asks. */
async function carry(key: string, to: string): Promise<void> {
  await mkdir(machine(to), { recursive: true });
  await rename(join(main(), `${key}.pem`), join(machine(to), `${key}.pem`));
  await copyFile(join(main(), 'root.json'), join(machine(to), 'root.json'));
}

describe('two of three root keys', () => {
  beforeEach(async () => {
    await mustWork('init', '--no-passphrase', '--root', '2/3');
  });

  it('are made with one flag, and boards take what they signed', async () => {
    expect(rolesOfRoot()['root']).toMatchObject({ threshold: 2, keyids: { length: 3 } });
    await board(person);
    const { roles, keys } = await mustWork('status');
    expect(roles).toContainEqual(expect.objectContaining({ role: 'root', threshold: 2 }));
    expect((keys as { name: string }[]).map(({ name }) => name)).toEqual([
      'root',
      'root.2',
      'root.3',
      'targets',
    ]);
  });

  it('on three machines sign one after the other, and the change comes true with the second', async () => {
    await carry('root.2', 'second');
    await carry('root.3', 'third');
    const proposed = await mustWork('rotate', 'targets');
    expect(proposed).toMatchObject({
      state: 'pending',
      missing: [{ document: 'root', count: 1 }, { count: 1 }],
    });
    expect(person.server.roles.get('root')).toHaveLength(1);
    const file = String(proposed['file']);

    const early = await person.wafer('keys', 'publish', file);
    expect(early.stderr).toMatch(/^error trust\.signature-invalid: .*root lacks 1 of the root keys/s);
    const shown = await mustWork('sign', file, '--show', '--keys', machine('third'));
    expect(shown).toMatchObject({ signedWith: [], missing: { length: 2 } });
    const signed = await mustWork('sign', file, '--keys', machine('third'));
    expect(signed).toMatchObject({ state: 'pending', signedWith: ['root.3'], missing: [], anchored: true });
    expect(await mustWork('publish', file)).toMatchObject({ state: 'published' });

    expect(person.server.roles.get('root')).toHaveLength(2);
    await board(person);
    // The new targets key is the one that signs new apps; the third machine follows by itself.
    expect(await publish('demo', '1.0.0')).toMatchObject({ exit: 0 });
    expect(await mustWork('status', '--keys', machine('third'))).toMatchObject({ keys: { length: 1 } });
  });

  it('lose one and replace it with one from another machine, by the other two', async () => {
    const [, lost] = rolesOfRoot()['root']?.keyids ?? [];
    await rm(join(main(), 'root.2.pem'));
    const made = await mustWork('make', 'root', '--no-passphrase', '--keys', machine('fresh'));
    await mustWork('add', 'root', '--public', String(made['publicHex']));
    expect(await mustWork('remove', 'root', String(lost).slice(0, 10))).toMatchObject({ state: 'published' });
    expect(rolesOfRoot()['root']).toMatchObject({ threshold: 2, keyids: { length: 3 } });
    expect(rolesOfRoot()['root']?.keyids).toContain(made['keyid']);
    await board(person);
  });

  it('cannot be made fewer than have to sign', async () => {
    const [first] = rolesOfRoot()['root']?.keyids ?? [];
    await mustWork('remove', 'root', String(first));
    const [next] = rolesOfRoot()['root']?.keyids ?? [];
    const locked = await person.wafer('keys', 'remove', 'root', String(next));
    expect(locked).toMatchObject({ exit: 2 });
    expect(locked.stderr).toMatch(/1 keys, of which 2 would have to sign: that locks everybody out/);
  });
});

describe('a founding by keys of several machines', () => {
  it('waits for as many as it takes', async () => {
    const made = await mustWork('make', 'root', '--no-passphrase', '--keys', machine('second'));
    const args = ['--no-passphrase', '--root-public', String(made['publicHex']), '--root', '2/2'];
    const founding = await mustWork('init', ...args);
    expect(founding).toMatchObject({ fresh: false, pending: { missing: [{ document: 'root', count: 1 }] } });
    expect(person.server.roles.size).toBe(0);
    const signed = await mustWork('sign', join(main(), 'pending.json'), '--keys', machine('second'));
    expect(signed).toMatchObject({ anchored: false, missing: [] });
    await mustWork('publish');
    await board(person);
    expect(await publish('demo', '1.0.0')).toMatchObject({ exit: 0 });
  });
});

describe('a change', () => {
  beforeEach(async () => {
    await mustWork('init', '--no-passphrase');
  });

  it('of the root key leaves boards with the new one, and the old one signs nothing more', async () => {
    const old = rolesOfRoot()['root']?.keyids;
    await mustWork('rotate', 'root');
    expect(rolesOfRoot()['root']?.keyids).not.toEqual(old);
    await board(person);
    await rm(join(main(), 'root.pem'));
    expect(await mustWork('renew', 'root')).toMatchObject({ state: 'published', signedWith: ['root.2'] });
    expect(person.server.latest('root').signatures).toHaveLength(1);
    await board(person);
  });

  it('that the server could not take waits with its signatures, and is handed over later', async () => {
    person.server.intercept = (request, path) =>
      path === '/trust/metadata' && request.method === 'POST'
        ? problem('server.unavailable', 'away')
        : undefined;
    expect(await person.wafer('keys', 'rotate', 'root')).toMatchObject({ exit: 6 });
    expect((await person.wafer('keys', 'rotate', 'root')).stderr).toMatch(
      /pending\.json waits for signatures/,
    );
    person.server.intercept = undefined;
    expect(await mustWork('publish')).toMatchObject({ state: 'published' });
    await board(person);
  });

  it('whose answer was lost is found to have come true', async () => {
    await mustWork('rotate', 'root', '--no-publish');
    const pending = await readFile(join(main(), 'pending.json'), 'utf8');
    await mustWork('publish');
    await writeFile(join(main(), 'pending.json'), pending);
    expect(await mustWork('publish')).toMatchObject({ state: 'published' });
    expect(person.server.roles.get('root')).toHaveLength(2);
  });

  it('that somebody else overtook is not forced', async () => {
    await mustWork('rotate', 'root', '--no-publish');
    await rename(join(main(), 'pending.json'), machine('late.json'));
    await mustWork('renew', 'root');
    const late = await person.wafer('keys', 'publish', machine('late.json'));
    expect(late).toMatchObject({ exit: 5 });
    expect(late.stderr).toMatch(/remove the pending file and propose the change anew/);
  });

  it('of the keys of the server is followed by boards: both directors first, then the new one alone', async () => {
    const before = await board(person);
    expect(await before.getTargetInfo('director/keys.json')).toBeDefined();
    const [old] = Object.keys(person.server.onlineKeys.director.keys);
    expect(await mustWork('rotate', 'online', '--if-due')).toEqual({ state: 'unchanged' });
    await mustWork('rotate', 'online');
    const both = (await (await board(person)).getTargetInfo('director/keys.json'))?.custom;
    expect(Object.keys(both?.['keys'] as object)).toHaveLength(2);
    expect((await mustWork('status'))['warnings']).toContainEqual(
      expect.stringMatching(/more than one director key/),
    );
    await mustWork('remove', 'director', String(old));
    const alone = (await (await board(person)).getTargetInfo('director/keys.json'))?.custom;
    expect(Object.keys(alone?.['keys'] as object)).not.toContain(old);
    const only = Object.keys(alone?.['keys'] as object)[0] ?? '';
    expect((await person.wafer('keys', 'remove', 'director', only)).stderr).toMatch(/the only director key/);
  });
});

describe('an app', () => {
  beforeEach(async () => {
    await mustWork('init', '--no-passphrase');
  });

  it('can be delegated to a machine that holds its key and nothing else', async () => {
    const made = await mustWork('make', 'demo', '--no-passphrase', '--keys', machine('theirs'));
    await mustWork('delegate', 'demo', '--public', String(made['publicHex']));
    await copyFile(join(main(), 'root.json'), join(machine('theirs'), 'root.json'));
    expect(await publish('demo', '1.0.0', '--keys', machine('theirs'))).toMatchObject({ exit: 0 });
    const [path = ''] = Object.keys(targetsOf('demo'));
    expect(await (await board(person)).getTargetInfo(path)).toBeDefined();
    // What was given away is not here any more, and there they can make no other app.
    expect((await publish('demo', '1.1.0')).json()).toMatchObject({ code: 'cli.keys-missing' });
    expect((await publish('other', '1.0.0', '--keys', machine('theirs'))).json()).toMatchObject({
      code: 'cli.keys-missing',
    });
  });

  it('keeps its releases when it moves to another key', async () => {
    await publish('demo', '1.0.0');
    const [path = ''] = Object.keys(targetsOf('demo'));
    const before = person.server.latest('demo').signatures[0]?.keyid;
    await mustWork('delegate', 'demo');
    expect(person.server.latest('demo').signatures.map(({ keyid }) => keyid)).not.toContain(before);
    expect(await (await board(person)).getTargetInfo(path)).toBeDefined();
    expect((await publish('demo', '1.1.0')).json()).toMatchObject({ counter: 2 });
  });

  it('never shares its key with another', async () => {
    const made = await mustWork('make', 'demo', '--no-passphrase');
    await mustWork('delegate', 'demo', '--public', String(made['publicHex']));
    const shared = await person.wafer('keys', 'delegate', 'other', '--public', String(made['publicHex']));
    expect(shared.stderr).toMatch(/is the key of demo: an app has a key of its own/);
  });

  it('takes no key id for a public key, with which nobody could ever sign', async () => {
    const made = await mustWork('make', 'demo', '--no-passphrase');
    await mustWork('delegate', 'demo', '--public', String(made['publicHex']));
    const id = keyId(String(made['publicHex']));
    for (const args of [
      ['add', 'demo'],
      ['delegate', 'other'],
    ])
      expect((await person.wafer('keys', ...args, '--public', id)).stderr).toMatch(
        /is the id of a key, not a public key/,
      );
  });

  it('gets a floor by itself or with a release, which never sinks and never rules out all', async () => {
    await publish('demo', '1.0.0');
    await publish('demo', '1.1.0');
    expect((await person.wafer('keys', 'floor', 'demo', '3')).stderr).toMatch(
      /rules out every release of demo/,
    );
    await mustWork('floor', 'demo', '2');
    expect(targetsOf('demo')['demo/floor']?.custom).toEqual({ wafer: 1, floor: 2 });
    expect((await person.wafer('keys', 'floor', 'demo', '2')).stderr).toMatch(/may only rise/);
    expect(await publish('demo', '1.2.0', '--floor', '3')).toMatchObject({ exit: 0 });
    expect(targetsOf('demo')['demo/floor']?.custom).toEqual({ wafer: 1, floor: 3 });
    expect((await publish('demo', '1.3.0', '--floor', '9')).json()).toMatchObject({
      code: 'cli.usage',
      detail: expect.stringMatching(/rule out this very release, whose counter is 4/),
    });
    expect((await publish('demo', '1.2.0', '--floor', '3')).json()).toMatchObject({ fresh: false });
    await board(person);
  });
});

describe('an expiry', () => {
  it('is announced thirty days ahead, by status and by publish, until it is renewed', async () => {
    await mustWork('init', '--no-passphrase');
    await publish('demo', '1.0.0');
    expect((await publish('demo', '1.1.0')).json()['warnings']).toEqual([]);
    person.now += 336 * DAY_MS;
    expect((await publish('demo', '1.2.0')).json()['warnings']).toEqual([
      expect.stringMatching(/^root expires at .*, in 29 days: .*wafer keys renew root$/),
      expect.stringMatching(/^targets expires/),
    ]);
    person.now += 30 * DAY_MS;
    expect((await mustWork('status'))['warnings']).toContainEqual(expect.stringMatching(/^root expired at/));
    await mustWork('renew', 'root', 'targets', 'demo');
    const { warnings, roles } = await mustWork('status');
    expect(warnings).toEqual([expect.stringMatching(/without a passphrase/)]);
    expect(roles).not.toContainEqual(expect.objectContaining({ expiry: 'soon' }));
    const { version } = person.server.latest('demo').signed;
    expect(version).toBe(4);
  });
});
