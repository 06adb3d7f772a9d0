/** Attacks on those who sign: each must leave boards, server and folder as they were. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keyId, publicHex, signDocument, tufKey, type SignedMetadata } from '@wafer/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { board } from '../board.ts';
import { problem } from '../fleet-server.ts';
import { reactor } from '../guests.ts';
import { type Person, signedIn } from '../person.ts';

let person: Person;
beforeEach(async () => {
  person = await signedIn();
});
afterEach(() => person.leave());

const folder = (file: string): string => join(person.folder, 'wafer-keys', file);
const stolen = async (name: string): Promise<KeyObject> =>
  createPrivateKey(await readFile(folder(`${name}.pem`), 'utf8'));
const theirs = (): KeyObject => generateKeyPairSync('ed25519').privateKey;

async function publish(app: string, version: string) {
  const file = await person.file(`${app}.wasm`, await reactor([], `${app} ${version}`));
  return person.wafer('publish', file, '--app', app, '--version', version);
}

const bySeveral = (body: object, ...keys: KeyObject[]): SignedMetadata => ({
  signed: body as SignedMetadata['signed'],
  signatures: keys.flatMap((key) => signDocument(body, key).signatures),
});

/** The next root, in which the thief's key is the only one of root and of targets. */
function rootOfThief(thief: KeyObject): Record<string, unknown> {
  const now = structuredClone(person.server.latest('root').signed) as {
    version: number;
    keys: Record<string, unknown>;
    roles: Record<string, { keyids: string[]; threshold: number }>;
  };
  const id = keyId(publicHex(thief));
  const alone = { keyids: [id], threshold: 1 };
  return {
    ...now,
    version: now.version + 1,
    keys: { ...now.keys, [id]: { ...tufKey(publicHex(thief)) } },
    roles: { ...now.roles, root: alone, targets: alone },
  };
}

describe('one of three root keys stolen', () => {
  beforeEach(async () => {
    await person.wafer('keys', 'init', '--no-passphrase', '--root', '2/3');
  });

  it.each([
    ['signing alone', (key: KeyObject, thief: KeyObject) => [key, thief]],
    ['signing twice', (key: KeyObject, thief: KeyObject) => [key, key, thief]],
    ['left out', (_: KeyObject, thief: KeyObject) => [thief]],
  ])('%s makes no root that a board or the CLI takes', async (_, signers) => {
    const thief = theirs();
    const root = bySeveral(rootOfThief(thief), ...signers(await stolen('root.2'), thief));
    const anchor = await readFile(folder('root.json'), 'utf8');
    person.server.roles.get('root')?.push(root);
    await expect(board(person)).rejects.toThrow();
    const status = await person.wafer('keys', 'status');
    expect(status.stderr).toMatch(/^error trust\.signature-invalid: version 2 of root .*Nothing was signed/);
    expect(await readFile(folder('root.json'), 'utf8')).toBe(anchor);
  });

  it('counts once in a ceremony, however often its signature was pasted in', async () => {
    const key = await stolen('root');
    await person.wafer('keys', 'renew', 'root', '--no-publish');
    const pending = JSON.parse(await readFile(folder('pending.json'), 'utf8')) as { root: SignedMetadata };
    const [signature] = signDocument(pending.root.signed, key).signatures;
    pending.root.signatures = [signature, signature, { ...signature, keyid: 'ab'.repeat(32) }] as never;
    const file = await person.file('forged.json', JSON.stringify(pending));
    const empty = join(person.folder, 'empty');
    expect((await person.wafer('keys', 'publish', file, '--keys', empty)).stderr).toMatch(/root lacks 1 of/);
    expect(person.server.roles.get('root')).toHaveLength(1);
  });
});

describe('a change of trust that a thief sends to those who sign', () => {
  beforeEach(async () => {
    await person.wafer('keys', 'init', '--no-passphrase');
  });

  const pendingOf = (base: SignedMetadata, root: object) =>
    JSON.stringify({ wafer: 1, base: { root: base }, root: { signed: root, signatures: [] }, roles: {} });

  it('is not signed when it starts from a root of the thief’s own', async () => {
    const thief = theirs();
    const base = bySeveral({ ...rootOfThief(thief), version: 1 }, thief);
    const file = await person.file('gift.json', pendingOf(base, rootOfThief(thief)));
    const signed = await person.wafer('keys', 'sign', file);
    expect(signed.stderr).toMatch(
      /^error trust\.signature-invalid: .*another root version 1.*Nothing was signed/,
    );
    expect(JSON.parse(await readFile(file, 'utf8')).root.signatures).toEqual([]);
  });

  it('is not signed when it founds another server with our keys', async () => {
    const root = { ...rootOfThief(theirs()), version: 1 };
    const file = await person.file(
      'gift.json',
      JSON.stringify({ wafer: 1, base: {}, root: { signed: root, signatures: [] }, roles: {} }),
    );
    expect((await person.wafer('keys', 'sign', file)).stderr).toMatch(
      /founds a server, and this folder trusts one/,
    );
  });

  it('says whose keys come and go before anybody signs', async () => {
    const thief = theirs();
    const [ours] = person.server.latest('root').signatures;
    const file = await person.file('gift.json', pendingOf(person.server.latest('root'), rootOfThief(thief)));
    const { changes } = (await person.wafer('keys', 'sign', file, '--show', '--json')).json();
    expect(changes).toEqual(
      expect.arrayContaining([`  + root key ${keyId(publicHex(thief))}`, `  - root key ${ours?.keyid}`]),
    );
    expect(JSON.parse(await readFile(file, 'utf8')).root.signatures).toEqual([]);
  });

  it('that is no pending change at all is told so', async () => {
    const file = await person.file('gift.json', '{"wafer":1}');
    expect(await person.wafer('keys', 'sign', file)).toMatchObject({ exit: 2 });
  });
});

describe('a delegated publisher signing another’s app', () => {
  beforeEach(async () => {
    await person.wafer('keys', 'init', '--no-passphrase');
    await publish('mine', '1.0.0');
    await publish('yours', '1.0.0');
  });

  const roleOf = (app: string) =>
    structuredClone(person.server.latest(app).signed) as {
      version: number;
      targets: Record<string, unknown>;
    };

  it('by a new version of its role is refused by boards, and by the CLI of its owner', async () => {
    const role = { ...roleOf('yours'), version: 2, targets: {} };
    person.server.roles.get('yours')?.push(signDocument(role, await stolen('app-mine')));
    const updater = await board(person);
    await expect(updater.getTargetInfo('yours/1.0.0/x.wasm')).rejects.toThrow();
    expect((await publish('yours', '1.1.0')).stderr).toMatch(
      /^error trust\.signature-invalid: the metadata "yours".*Nothing was signed/,
    );
  });

  it('by a target of theirs in its own role is found by no board', async () => {
    const role = roleOf('mine');
    const path = `yours/6.6.6/${'ab'.repeat(32)}.wasm`;
    role.version = 2;
    role.targets[path] = { length: 1, hashes: { sha256: 'ab'.repeat(32) } };
    person.server.roles.get('mine')?.push(signDocument(role, await stolen('app-mine')));
    expect(await (await board(person)).getTargetInfo(path)).toBeUndefined();
  });

  it('by delegating to itself is refused by boards and by the CLI', async () => {
    const targets = structuredClone(person.server.latest('targets').signed) as {
      version: number;
      delegations: { roles: { name: string; keyids: string[] }[] };
    };
    targets.version += 1;
    const key = await stolen('app-mine');
    for (const role of targets.delegations.roles) role.keyids = [keyId(publicHex(key))];
    person.server.roles.get('targets')?.push(signDocument(targets, key));
    await expect(board(person)).rejects.toThrow();
    expect((await publish('yours', '1.1.0')).stderr).toMatch(
      /^error trust\.signature-invalid: the metadata "targets"/,
    );
  });
});

describe('a stolen server', () => {
  beforeEach(async () => {
    await person.wafer('keys', 'init', '--no-passphrase');
    await publish('demo', '1.0.0');
  });

  it('with snapshot, timestamp and director keys together gets no unsigned target onto a board', async () => {
    const { snapshot, timestamp, director } = person.server.keys;
    const path = `demo/6.6.6/${'ab'.repeat(32)}.wasm`;
    const evil = { length: 1, hashes: { sha256: 'ab'.repeat(32) } };
    let installed = 0;
    for (const role of ['demo', 'targets'])
      for (const key of [snapshot, timestamp, director]) {
        const versions = person.server.roles.get(role) ?? [];
        const body = structuredClone(versions.at(-1)?.signed) as { version: number; targets: object };
        const next = { ...body, version: body.version + 1, targets: { ...body.targets, [path]: evil } };
        versions.push(bySeveral(next, key, snapshot, timestamp, director));
        const found = await board(person).then(
          (updater) => updater.getTargetInfo(path).catch(() => undefined),
          () => undefined,
        );
        if (found !== undefined) installed += 1;
        versions.pop();
      }
    expect(installed).toBe(0);
    await board(person);
  });

  it('cannot hide an app’s role from its publisher to have it founded anew', async () => {
    person.server.intercept = (_, path) =>
      path === '/trust/roles/demo' ? problem('request.not-found', 'no such role') : undefined;
    expect((await publish('demo', '1.1.0')).stderr).toMatch(/^error request\.not-found/);
    expect(person.server.roles.get('demo')).toHaveLength(1);
  });

  it('cannot hide a rotation from a folder that has seen it', async () => {
    await person.wafer('keys', 'rotate', 'targets');
    person.server.roles.get('root')?.pop();
    person.server.roles.get('targets')?.pop();
    expect((await publish('demo', '1.1.0')).stderr).toMatch(
      /^error trust\.signature-invalid: the metadata "targets"/,
    );
  });

  it('cannot answer with a root of another version than was asked for', async () => {
    const again = person.server.latest('root');
    person.server.intercept = (_, path) =>
      path === '/trust/metadata/2.root.json' ? { status: 200, body: again } : undefined;
    expect((await person.wafer('keys', 'status')).stderr).toMatch(/it says that it is version 1/);
  });

  it('cannot have its director obeyed by a key of the thief’s without a publisher who sees its id', async () => {
    const thief = theirs();
    const online = { ...person.server.onlineKeys, next: { director: publicHex(thief) } };
    person.server.intercept = (_, path) =>
      path === '/trust/online-keys' ? { status: 200, body: online } : undefined;
    const outcome = (await person.wafer('keys', 'rotate', 'online', '--no-publish', '--json')).json();
    expect(outcome['changes']).toContain(`  + director key ${keyId(publicHex(thief))}`);
    expect(person.server.roles.get('targets')).toHaveLength(2);
  });
});

describe('the folder of a signer', () => {
  it('with a root.json that was exchanged signs nothing', async () => {
    await person.wafer('keys', 'init', '--no-passphrase');
    const thief = theirs();
    const forged = bySeveral({ ...rootOfThief(thief), version: 1 }, thief);
    await writeFile(folder('root.json'), JSON.stringify(forged));
    expect((await publish('demo', '1.0.0')).stderr).toMatch(/^error trust\.signature-invalid/);
    const damaged = { ...forged, signatures: [] };
    await writeFile(folder('root.json'), JSON.stringify(damaged));
    expect((await publish('demo', '1.0.0')).stderr).toMatch(
      /^error cli\.keys-missing: root\.json .* damaged/,
    );
    expect(person.server.roles.has('demo')).toBe(false);
  });
});
