/** Apps whose releases several people sign together, over real HTTP; tuf-js judges as a board does. */
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SignedMetadata } from '@wafer/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { board } from '../board.ts';
import { reactor } from '../guests.ts';
import { type Person, type Run, signedIn } from '../person.ts';

let person: Person;
beforeEach(async () => {
  person = await signedIn();
  await mustWork('init', '--no-passphrase');
});
afterEach(() => person.leave());

const machine = (name: string): string => join(person.folder, name);
const main = () => machine('wafer-keys');
const waiting = () => join(main(), 'pending.json');

const mustWork = async (...args: string[]): Promise<Record<string, unknown>> => {
  const run = await person.wafer('keys', ...args, '--json');
  expect(run).toMatchObject({ exit: 0 });
  return run.json();
};

async function publish(version: string, ...more: string[]): Promise<Run> {
  const file = await person.file('demo.wasm', await reactor([], `demo ${version}`));
  return person.wafer('publish', file, '--app', 'demo', '--version', version, '--json', ...more);
}

const delegation = () => {
  const { delegations } = person.server.latest('targets').signed as {
    delegations: { roles: { name: string; keyids: string[]; threshold: number }[] };
  };
  return delegations.roles.find(({ name }) => name === 'demo');
};
const releasesOf = (role: SignedMetadata): string[] => Object.keys(role.signed['targets'] as object);

/** The app's keys: one here, the others on machines of their own, made there. */
async function delegate(quorum: string, ...machines: string[]): Promise<void> {
  const made: string[] = [];
  for (const name of machines) {
    const { publicHex } = await mustWork('make', 'demo', '--no-passphrase', '--keys', machine(name));
    await copyFile(join(main(), 'root.json'), join(machine(name), 'root.json'));
    made.push(String(publicHex));
  }
  const others = made.length === 0 ? [] : ['--public', ...made];
  await mustWork('delegate', 'demo', '--threshold', quorum, ...others);
}

describe('an app with two of three keys', () => {
  beforeEach(() => delegate('2/3', 'second', 'third'));

  it('is delegated to with one flag, and status shows it', async () => {
    expect(delegation()).toMatchObject({ threshold: 2, keyids: { length: 3 } });
    const { roles } = await mustWork('status');
    expect(roles).toContainEqual(
      expect.objectContaining({
        role: 'demo',
        threshold: 2,
        keys: [null, null, 'app-demo'].map((here) => ({ keyid: expect.any(String) as string, here })),
      }),
    );
    expect((await person.wafer('keys', 'status')).stdout).toMatch(/demo .* 2 of 3/);
  });

  it('publishes when the second has signed, on a machine without a server, and then the channel moves', async () => {
    const first = (await publish('1.0.0')).json();
    expect(first).toMatchObject({
      channel: null,
      pending: { state: 'pending', signedWith: ['app-demo'], missing: [{ document: 'demo', count: 1 }] },
    });
    expect(person.server.roles.has('demo')).toBe(false);
    expect(person.server.channels.size).toBe(0);

    const shown = await mustWork('sign', waiting(), '--show', '--keys', machine('third'));
    expect(shown['changes']).toEqual([
      expect.stringMatching(/^role of demo version 1, .*: 1 release, floor 0$/),
      expect.stringMatching(
        /^ {2}\+ demo\/1\.0\.0\/[0-9a-f]{64}\.wasm, \d+ bytes, release 1, may be granted/,
      ),
      'then channel stable moves to demo 1.0.0',
    ]);
    const signed = await mustWork('sign', waiting(), '--keys', machine('third'));
    expect(signed).toMatchObject({ signedWith: ['app-demo'], missing: [], anchored: true });

    expect(await mustWork('publish')).toMatchObject({
      state: 'published',
      moved: { channel: 'stable', devices: 1 },
    });
    expect(person.server.channels.get('stable/demo')).toMatchObject({ version: '1.0.0' });
    const role = person.server.latest('demo');
    expect(role.signatures).toHaveLength(2);
    expect(await (await board(person)).getTargetInfo(releasesOf(role)[0] ?? '')).toBeDefined();
    expect((await publish('1.0.0')).json()).toMatchObject({ fresh: false, pending: null, channel: 'stable' });
  });

  it('is published by the same command again, once the file came back signed', async () => {
    await publish('1.0.0', '--no-channel');
    await mustWork('sign', waiting(), '--keys', machine('second'));
    const text = (await publish('1.0.0', '--channel', 'beta')).json();
    expect(text).toMatchObject({ counter: 1, fresh: true, pending: null, channel: 'beta', devices: 1 });
    await expect(readFile(waiting())).rejects.toThrow(/ENOENT/);
    expect(person.server.latest('demo').signatures).toHaveLength(2);
  });

  it('is finished by whoever runs it again after the server had taken it and the channel had not moved', async () => {
    await publish('1.0.0');
    await mustWork('sign', waiting(), '--keys', machine('second'));
    person.server.intercept = (request) => (request.method === 'PUT' ? { status: 500, body: {} } : undefined);
    expect((await person.wafer('keys', 'publish')).exit).not.toBe(0);
    person.server.intercept = undefined;
    expect(await mustWork('publish')).toMatchObject({ state: 'published', moved: { channel: 'stable' } });
    expect(person.server.roles.get('demo')).toHaveLength(1);
  });

  it('keeps another change waiting in peace', async () => {
    await publish('1.0.0');
    const other = await publish('1.1.0');
    expect(other).toMatchObject({ exit: 2 });
    expect(other.json()).toMatchObject({ detail: expect.stringMatching(/waits for signatures/) });
    const early = await person.wafer('keys', 'publish');
    expect(early.stderr).toMatch(
      /^error trust\.signature-invalid: .*demo lacks 1 of the keys of the app demo/s,
    );
  });

  it('takes two to raise its floor or to renew it', async () => {
    await publish('1.0.0');
    await mustWork('sign', waiting(), '--keys', machine('second'));
    await mustWork('publish');
    expect(await mustWork('floor', 'demo', '1')).toMatchObject({ state: 'pending' });
    await mustWork('sign', waiting(), '--keys', machine('third'));
    expect(await mustWork('publish')).toMatchObject({ state: 'published', moved: null });
    await board(person);
  });
});

describe('the keys and the threshold of an app', () => {
  const releasedByTwo = async () => {
    await delegate('2/2', 'second');
    await publish('1.0.0', '--no-channel');
    await mustWork('sign', waiting(), '--keys', machine('second'));
    await mustWork('publish');
  };

  it('lower at once, by targets alone: what two signed holds with one', async () => {
    await releasedByTwo();
    expect(await mustWork('threshold', 'demo', '1')).toMatchObject({
      state: 'published',
      signedWith: ['targets'],
    });
    expect(delegation()).toMatchObject({ threshold: 1, keyids: { length: 2 } });
    expect(person.server.roles.get('demo')).toHaveLength(1);
    await board(person);
    expect((await publish('1.1.0')).json()).toMatchObject({ pending: null, counter: 2 });
  });

  it('rise only when as many have signed what there is', async () => {
    await publish('1.0.0');
    const { publicHex } = await mustWork('make', 'demo', '--no-passphrase', '--keys', machine('second'));
    await copyFile(join(main(), 'root.json'), join(machine('second'), 'root.json'));
    const risen = await mustWork('add', 'demo', '--public', String(publicHex), '--threshold', '2');
    expect(risen).toMatchObject({ state: 'pending', missing: [{ document: 'demo', count: 1 }] });
    expect(delegation()).toMatchObject({ threshold: 1, keyids: { length: 1 } });
    await mustWork('sign', waiting(), '--keys', machine('second'));
    await mustWork('publish');
    expect(delegation()).toMatchObject({ threshold: 2, keyids: { length: 2 } });
    const [path = ''] = releasesOf(person.server.latest('demo'));
    expect(await (await board(person)).getTargetInfo(path)).toBeDefined();
  });

  it('survive the loss of one key, which another takes the place of', async () => {
    await releasedByTwo();
    const lost = delegation()?.keyids.find((id) => id === person.server.latest('demo').signatures[1]?.keyid);
    await rm(machine('second'), { recursive: true });
    await mustWork('remove', 'demo', String(lost).slice(0, 12), '--threshold', '1');
    await mustWork('add', 'demo', '--threshold', '2');
    expect(delegation()).toMatchObject({ threshold: 2, keyids: { length: 2 } });
    expect(await mustWork('rotate', 'demo')).toMatchObject({ state: 'published' });
    await board(person);
    expect((await publish('1.1.0')).json()).toMatchObject({ pending: null, counter: 2 });
  });

  it('are never fewer than must sign, nor another app’s', async () => {
    await delegate('2/2', 'second');
    const [id = ''] = delegation()?.keyids ?? [];
    expect((await person.wafer('keys', 'remove', 'demo', id)).stderr).toMatch(/that locks everybody out/);
    expect((await person.wafer('keys', 'threshold', 'demo', '3')).stderr).toMatch(/that locks everybody out/);
    expect((await person.wafer('keys', 'threshold', 'demo', '2')).stderr).toMatch(
      /2 must sign for demo already/,
    );
    expect((await person.wafer('keys', 'threshold', 'other', '2')).stderr).toMatch(
      /run wafer keys delegate other/,
    );
    const hexes = ['a', 'b'].map((digit) => digit.repeat(64));
    const vague = await person.wafer('keys', 'delegate', 'other', '--public', ...hexes);
    expect(vague.stderr).toMatch(/say how many of them must sign together, such as --threshold 2\/2/);
    const many = await person.wafer('keys', 'delegate', 'other', '--threshold', '1/1', '--public', ...hexes);
    expect(many.stderr).toMatch(/2 keys were named/);
  });

  it('of a new app whose targets take two wait for both', async () => {
    await mustWork('add', 'targets', '--threshold', '2');
    await mkdir(machine('second'));
    await rename(join(main(), 'targets.2.pem'), join(machine('second'), 'targets.pem'));
    await copyFile(join(main(), 'root.json'), join(machine('second'), 'root.json'));
    expect((await publish('1.0.0')).json()).toMatchObject({
      pending: { signedWith: ['app-demo', 'targets'], missing: [{ document: 'targets', count: 1 }] },
    });
    await mustWork('sign', waiting(), '--keys', machine('second'));
    expect(await mustWork('publish')).toMatchObject({ moved: { channel: 'stable' } });
    await board(person);
  });
});

describe('one of two keys of an app stolen', () => {
  beforeEach(() => delegate('2/2', 'second'));

  const released = async () => {
    await publish('1.0.0');
    await mustWork('sign', waiting(), '--keys', machine('second'));
    await mustWork('publish');
  };
  const pending = async () =>
    JSON.parse(await readFile(waiting(), 'utf8')) as { roles: { demo: SignedMetadata } };

  it('signing twice makes no release: its signature counts once, under whatever name', async () => {
    await publish('1.0.0');
    const forged = await pending();
    const [signature] = forged.roles.demo.signatures;
    forged.roles.demo.signatures = [signature, signature, { ...signature, keyid: 'ab'.repeat(32) }] as never;
    await writeFile(waiting(), JSON.stringify(forged));
    expect((await person.wafer('keys', 'publish')).stderr).toMatch(
      /demo lacks 1 of the keys of the app demo/,
    );
    expect(person.server.roles.has('demo')).toBe(false);
  });

  it('by a role that it alone signed is refused by boards and by the CLI', async () => {
    await released();
    await publish('6.6.6', '--no-channel');
    const { roles } = await pending();
    person.server.roles.get('demo')?.push(roles.demo);
    const [, evil = ''] = releasesOf(roles.demo);
    await expect((await board(person)).getTargetInfo(evil)).rejects.toThrow();
    expect((await person.wafer('keys', 'status')).stderr).toMatch(
      /^error trust\.signature-invalid: .*"demo"/,
    );
  });

  it('has the other signer shown every release that comes, goes or was changed', async () => {
    await released();
    await publish('1.1.0');
    const forged = await pending();
    const targets = forged.roles.demo.signed['targets'] as Record<string, { length: number; custom: object }>;
    const [old = ''] = Object.keys(targets);
    targets[old] = { ...targets[old]!, custom: { ...targets[old]!.custom, grants: { random: true } } };
    await writeFile(waiting(), JSON.stringify(forged));
    const { changes } = await mustWork('sign', waiting(), '--show', '--keys', machine('second'));
    expect(changes).toContainEqual(
      expect.stringMatching(/^ {2}! demo\/1\.0\.0\/.* may be granted \{"random":true\}, and it was another$/),
    );
  });

  it.each([
    ['hides what there was in a base of the thief’s own', /the metadata "demo".*Nothing was signed/s],
    ['leaves the base out for a role that was seen', /it hides what demo has published/],
    ['speaks for another app', /the role of demo speaks for other\/1\.0\.0/],
    ['delegates further', /the role of demo delegates further/],
  ])('has nothing signed by the other when the change %s', async (how, refused) => {
    await released();
    await mustWork('status', '--keys', machine('second'));
    await publish('1.1.0');
    const forged = (await pending()) as unknown as {
      base: { roles: { demo?: SignedMetadata } };
      roles: { demo: SignedMetadata };
    };
    const { signed } = forged.roles.demo;
    const targets = signed['targets'] as Record<string, object>;
    if (how.startsWith('hides')) forged.base.roles.demo = forged.roles.demo;
    if (how.startsWith('leaves')) delete forged.base.roles.demo;
    if (how.startsWith('speaks')) targets[`other/1.0.0/${'ab'.repeat(32)}.wasm`] = { length: 1, hashes: {} };
    if (how.startsWith('delegates')) signed['delegations'] = { keys: {}, roles: [] };
    await writeFile(waiting(), JSON.stringify(forged));
    const run = await person.wafer('keys', 'sign', waiting(), '--keys', machine('second'));
    expect(run.stderr).toMatch(refused);
    expect((await pending()).roles.demo.signatures).toHaveLength(1);
  });

  it('has nothing signed by wafer keys publish either, which only hands over', async () => {
    await publish('1.0.0');
    const run = await person.wafer('keys', 'publish', waiting(), '--keys', machine('second'));
    expect(run.stderr).toMatch(/demo lacks 1 of/);
    expect((await pending()).roles.demo.signatures).toHaveLength(1);
  });
});
