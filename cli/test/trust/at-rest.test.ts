/** Keys at rest: what somebody who copies the folder has. */
import { createPrivateKey } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publicHex } from '@wafer/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { openSealed, parseSealed } from '../../src/trust/sealed-key.ts';
import { reactor } from '../guests.ts';
import { type Person, signedIn } from '../person.ts';

const PASSPHRASE = 'correct horse battery';
let person: Person;
afterEach(() => person.leave());

const keyFile = (name: string): string => join(person.folder, 'wafer-keys', name);
/** The file of a sealed key, for somebody to alter. */
interface Sealed {
  public: string;
  kdf: Record<string, unknown>;
  cipher: Record<string, unknown>;
  sealed: string;
}
const mutable = async (name: string) => JSON.parse(await readFile(keyFile(name), 'utf8')) as Sealed;

async function sealedFolder(): Promise<void> {
  person = await signedIn();
  person.env['WAFER_KEYS_PASSPHRASE'] = PASSPHRASE;
  expect(await person.wafer('keys', 'init')).toMatchObject({ exit: 0, stderr: '' });
}

async function publish(version = '1.0.0', ...more: string[]) {
  const file = await person.file('demo.wasm', await reactor([], version));
  return person.wafer('publish', file, '--app', 'demo', '--version', version, ...more);
}

describe('a stolen folder of keys', () => {
  it('signs nothing without its passphrase', async () => {
    await sealedFolder();
    delete person.env['WAFER_KEYS_PASSPHRASE'];
    const without = await publish();
    expect(without).toMatchObject({ exit: 2 });
    expect(without.stderr).toMatch(/^error cli\.(usage|passphrase-wrong): /);
    person.env['WAFER_KEYS_PASSPHRASE'] = 'correct horse batterz';
    const guessed = await publish();
    expect(guessed.stderr).toMatch(/^error cli\.passphrase-wrong: .*does not open with this passphrase/);
    expect(person.server.roles.has('demo')).toBe(false);
    person.env['WAFER_KEYS_PASSPHRASE'] = PASSPHRASE;
    expect(await publish()).toMatchObject({ exit: 0, stderr: '' });
  });

  it('holds no private key and no passphrase in the open, and neither ever travels', async () => {
    await sealedFolder();
    await publish();
    const folder = keyFile('');
    const names = (await readdir(folder)).filter((name) => name.endsWith('.key'));
    expect(names).toEqual(['app-demo.key', 'root.key', 'targets.key']);
    const seen = Buffer.concat([
      ...(await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))))),
      ...person.server.received,
    ]);
    for (const name of names) {
      const key = await openSealed(parseSealed(await readFile(keyFile(name), 'utf8'), name), PASSPHRASE);
      const seed = Buffer.from(key?.export({ format: 'jwk' }).d ?? '', 'base64url');
      expect(seed).toHaveLength(32);
      for (const form of [seed, seed.toString('hex'), seed.toString('base64'), seed.toString('base64url')])
        expect(seen.includes(form)).toBe(false);
      expect((await stat(keyFile(name))).mode & 0o777).toBe(0o600);
    }
    expect(seen.includes(PASSPHRASE)).toBe(false);
  });

  it.each<[string, (file: Sealed) => void]>([
    ['its public half', (file) => (file.public = 'ab'.repeat(32))],
    ['fewer passes', (file) => (file.kdf['passes'] = 1)],
    ['another salt', (file) => (file.kdf['salt'] = Buffer.alloc(16).toString('base64'))],
    ['another nonce', (file) => (file.cipher['nonce'] = Buffer.alloc(12).toString('base64'))],
    [
      'a byte of the sealed key',
      (file) => (file.sealed = `${file.sealed.startsWith('A') ? 'B' : 'A'}${file.sealed.slice(1)}`),
    ],
    ['a tag cut short', (file) => (file.sealed = file.sealed.slice(0, 16))],
  ])('does not open after somebody altered %s', async (_, alter) => {
    await sealedFolder();
    const file = await mutable('root.key');
    alter(file);
    const sealed = parseSealed(JSON.stringify(file), 'root.key');
    expect(await openSealed(sealed, PASSPHRASE)).toBeUndefined();
  });

  it('cannot make a signer run out of memory with parameters of its own', async () => {
    await sealedFolder();
    const file = await mutable('targets.key');
    file.kdf['memoryKiB'] = 100 * 1024 * 1024;
    await writeFile(keyFile('targets.key'), JSON.stringify(file));
    expect((await publish()).stderr).toMatch(/^error cli\.keys-missing: .*targets\.key is no sealed key/);
  });
});

describe('a passphrase', () => {
  it('is asked for twice when keys are made, and once in a run that signs with several', async () => {
    person = await signedIn({ types: PASSPHRASE });
    expect(await person.wafer('keys', 'init', '--root', '2/2')).toMatchObject({
      exit: 0,
    });
    expect(await publish()).toMatchObject({ exit: 0, stderr: '' });
  });

  it('that is mistyped may be typed again', async () => {
    person = await signedIn({ types: [PASSPHRASE, PASSPHRASE, 'not the passphrase', PASSPHRASE] });
    await person.wafer('keys', 'init');
    expect(await publish()).toMatchObject({ exit: 0, stderr: '' });
  });

  it('that was typed differently the second time makes no key', async () => {
    person = await signedIn({ types: [PASSPHRASE, 'correct horse batterz'] });
    expect((await person.wafer('keys', 'init')).stderr).toMatch(/the two passphrases differ/);
    expect(person.server.roles.size).toBe(0);
  });

  it('that is short makes no key', async () => {
    person = await signedIn();
    person.env['WAFER_KEYS_PASSPHRASE'] = 'short';
    expect((await person.wafer('keys', 'init')).stderr).toMatch(/at least 12 characters/);
  });

  it('is needed unless keys are wanted in the open, and nothing is made without a word on it', async () => {
    person = await signedIn();
    const refused = await person.wafer('keys', 'init');
    expect(refused).toMatchObject({ exit: 2 });
    expect(refused.stderr).toMatch(/--passphrase-file or WAFER_KEYS_PASSPHRASE, or --no-passphrase/);
    expect(person.server.roles.size).toBe(0);
  });

  it('comes from a file as well, without its last line break', async () => {
    person = await signedIn();
    const file = await person.file('passphrase', `${PASSPHRASE}\n`);
    await person.wafer('keys', 'init', '--passphrase-file', file);
    expect(await publish('1.0.0', '--passphrase-file', file)).toMatchObject({ exit: 0 });
    person.env['WAFER_KEYS_PASSPHRASE'] = PASSPHRASE;
    expect(await publish('1.1.0')).toMatchObject({ exit: 0 });
  });
});

describe('keys in the open', () => {
  it('are said to be so, until they are sealed; then they are the same keys', async () => {
    person = await signedIn();
    await person.wafer('keys', 'init', '--no-passphrase');
    await publish();
    const before = (await person.wafer('keys', 'status', '--json')).json();
    expect(before['warnings']).toEqual([expect.stringMatching(/app-demo, root, targets lie here without/)]);
    const pem = await readFile(keyFile('root.pem'), 'utf8');

    person.env['WAFER_KEYS_PASSPHRASE'] = PASSPHRASE;
    expect((await person.wafer('keys', 'seal', '--json')).json()).toMatchObject({
      sealed: ['app-demo', 'root', 'targets'],
    });
    expect((await readdir(keyFile(''))).filter((name) => name.endsWith('.pem'))).toEqual([]);
    const sealed = parseSealed(await readFile(keyFile('root.key'), 'utf8'), 'root.key');
    expect(sealed.public).toBe(publicHex(createPrivateKey(pem)));
    expect(await publish('1.1.0')).toMatchObject({ exit: 0 });
    expect((await person.wafer('keys', 'status', '--json')).json()['warnings']).toEqual([]);
  });

  it('are said to be so as long as an open copy lies beside the sealed one', async () => {
    await sealedFolder();
    const key = await openSealed(
      parseSealed(await readFile(keyFile('root.key'), 'utf8'), 'root.key'),
      PASSPHRASE,
    );
    await writeFile(keyFile('root.pem'), key?.export({ type: 'pkcs8', format: 'pem' }) ?? '');
    const { warnings } = (await person.wafer('keys', 'status', '--json')).json();
    expect(warnings).toEqual([expect.stringMatching(/^root lie here without a passphrase/)]);
    expect((await person.wafer('keys', 'seal', '--json')).json()).toMatchObject({ sealed: ['root'] });
  });
});
