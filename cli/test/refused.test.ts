/** Every bad input has its code, its exit code, and leaves nothing on the server. */
import { DEFAULT_MAX_COMPONENT_BYTES, ERRORS } from '@wafer/protocol';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXIT_CODES, exitOf } from '../src/exit.ts';
import { reactor, stranger } from './guests.ts';
import { type Person, type Run, signedIn } from './person.ts';

let person: Person;
beforeEach(async () => {
  person = await signedIn();
  await person.wafer('keys', 'init', '--no-passphrase');
});
afterEach(() => person.leave());

const publish = (file: string, ...more: string[]) =>
  person.wafer('publish', file, '--app', 'demo', '--version', '1.0.0', ...more);

/** What a person sees, and what the server has of it. */
const verdictOn = ({ exit, stdout, stderr }: Run) => {
  const { blobs, roles, channels } = person.server;
  return { exit, stdout, stderr, stored: blobs.size + channels.size + (roles.has('demo') ? 1 : 0) };
};

const refused = (code: keyof typeof ERRORS, exit: number, detail: RegExp) => ({
  exit,
  stdout: '',
  stderr: expect.stringMatching(new RegExp(`^error ${code}: .*${detail.source}.*\\n$`, 's')) as string,
  stored: 0,
});

describe('a component is refused before anything is uploaded', () => {
  it('when it is no WebAssembly', async () => {
    const file = await person.file('a.wasm', '#!/bin/sh\n');
    expect(verdictOn(await publish(file))).toEqual(
      refused('component.not-wasm', 4, /starts with bytes 23212f62/),
    );
  });

  it('when it is empty', async () => {
    expect(verdictOn(await publish(await person.file('a.wasm', '')))).toEqual(
      refused('component.not-wasm', 4, /it is empty/),
    );
  });

  it('when it is cut off', async () => {
    const whole = await reactor();
    const file = await person.file('a.wasm', whole.subarray(0, whole.length - 20));
    expect(verdictOn(await publish(file))).toEqual(refused('component.not-wasm', 4, /damaged/));
  });

  it('when it is over the size limit', async () => {
    const file = await person.file('a.wasm', Buffer.alloc(DEFAULT_MAX_COMPONENT_BYTES + 1));
    expect(verdictOn(await publish(file))).toEqual(
      refused('component.too-large', 4, /16777217 bytes; the limit is 16777216/),
    );
  });

  it('when it imports what no grant gives, with the import by name', async () => {
    const file = await person.file('a.wasm', await reactor(['wasi:sockets/tcp@0.2.12']));
    expect(verdictOn(await publish(file))).toEqual(
      refused('component.import-refused', 4, /wasi:sockets\/tcp@0.2.12, which no grant gives/),
    );
  });

  it('when it imports what was not asked for, with the grant that would admit it', async () => {
    const file = await person.file(
      'a.wasm',
      await reactor(['wasi:random/random@0.2.12', 'wasi:messaging/producer@0.2.0-draft']),
    );
    const run = await publish(file);
    expect(verdictOn(run)).toEqual(
      refused('component.import-refused', 4, /random@0.2.12, which needs the grant "random"/),
    );
    expect(run.stderr).toMatch(/producer@0.2.0-draft, which needs the grant "messaging".*wafer\.yaml/);
  });

  it('when it is of no world that devices run', async () => {
    const file = await person.file('a.wasm', await stranger('wasi:http/incoming-handler@0.2.3'));
    expect(verdictOn(await publish(file))).toEqual(refused('component.unsupported', 4, /HTTP handler/));
  });

  it('when the manifest expects another world', async () => {
    await person.file('wafer.yaml', 'world: command');
    const file = await person.file('a.wasm', await reactor());
    expect(verdictOn(await publish(file))).toEqual(
      refused('component.unsupported', 4, /says world: command/),
    );
  });

  it('when a core module asks a host that WASI preview 1 is not', async () => {
    const { parse } = await import('@bytecodealliance/jco-transpile/wasm-tools');
    const file = await person.file(
      'a.wasm',
      await parse('(module (import "env" "f" (func)) (func (export "_start")))'),
    );
    expect(verdictOn(await publish(file))).toEqual(refused('component.unsupported', 4, /cannot be adapted/));
  });

  it.each([
    ['export const lifecycle = {', /is no JavaScript module|could not be made/],
    ['export const timer = { tick() {} };', /exports neither "lifecycle"/],
    ['export const lifecycle = {}; export const setup = 1;', /exports "setup"; a guest may export/],
    ["import x from 'lodash'; export const lifecycle = {};", /bundle packages into the guest/],
    [
      "import x from 'wasi:nosuch/thing@1.0.0'; export const lifecycle = {};",
      /guest\.js imports "wasi:nosuch\/thing@1\.0\.0", for which there is no WIT here: devices have no such/,
    ],
    [
      "import { now } from 'wasi:clocks/wall-clock@0.2.1'; export const lifecycle = {};",
      /guest\.js imports "wasi:clocks\/wall-clock@0\.2\.1", .*write "wasi:clocks\/wall-clock@0\.2\.12"/,
    ],
    ["throw new Error('boom'); export const lifecycle = {};", /boom/],
  ])('when a guest in JavaScript is %j', async (source, reason) => {
    const file = await person.file('guest.js', source);
    expect(verdictOn(await publish(file))).toEqual(refused('component.unsupported', 4, reason));
  });

  it('when the manifest is wrong, with the key', async () => {
    await person.file('wafer.yaml', 'grants: { clocks: true }');
    expect(verdictOn(await publish(await person.file('a.wasm', await reactor())))).toEqual(
      refused('manifest.invalid', 4, /clocks/),
    );
  });

  it('when the manifest is for another app', async () => {
    await person.file('wafer.yaml', 'app: other');
    const file = await person.file('a.wasm', await reactor());
    expect(verdictOn(await publish(file))).toEqual(
      refused('manifest.invalid', 4, /for "other", not for "demo"/),
    );
  });
});

describe('what cannot be understood', () => {
  it.each([
    [['frobnicate'], /unknown command 'frobnicate'/],
    [[], /name a command/],
    [['publish', '--version', '1.0.0'], /missing required argument 'file'/],
    [['publish', 'a.wasm', '--app', 'demo'], /required option '--version/],
    [['publish', 'none.wasm', '--app', 'demo', '--version', '1.0.0'], /none\.wasm cannot be read/],
    [['publish', 'none.wasm', '--app', 'a/b', '--version', '1.0.0'], /"a\/b": an app name is/],
    [['publish', 'none.wasm', '--app', 'demo', '--version', '1.0'], /"1\.0": a version is SemVer/],
    [['publish', 'none.wasm', '--version', '1.0.0'], /name the app/],
    [
      ['publish', 'x', '--app', 'demo', '--version', '1.0.0', '--manifest', 'no.yaml'],
      /no\.yaml cannot be read/,
    ],
    [['device', '../releases'], /is no device/],
    [['channel', 'move', 'stable', 'demo', 'latest'], /is no version/],
    [['claim', 'create', '--expires', 'soon'], /is no duration/],
    [['claim', 'create', '--uses', '0'], /uses/],
    [['claim', 'create', '--tag', 'x'], /NAME=VALUE/],
  ])('%j is a matter of usage', async (args, reason) => {
    const run = await person.wafer(...args);
    expect(run).toMatchObject({ exit: 2, stdout: '' });
    expect(run.stderr).toMatch(/^error cli\.usage: [^\n]+\n$/);
    expect(run.stderr).toMatch(reason);
  });

  it('helps without failing', async () => {
    const run = await person.wafer('--help');
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    for (const { code, means } of Object.values(EXIT_CODES))
      expect(run.stdout).toContain(`${code}  ${means}`);
  });
});

describe('a version that exists', () => {
  it('cannot be published with another digest', async () => {
    await publish(await person.file('a.wasm', await reactor([], 'one')));
    const run = await publish(await person.file('a.wasm', await reactor([], 'two')));
    expect(run.exit).toBe(5);
    expect(run.stderr).toMatch(/^error release\.exists: demo 1\.0\.0 was published with the digest/);
    expect(person.server.blobs.size).toBe(1);
  });

  it('cannot be published asking for other grants', async () => {
    const file = await person.file('a.wasm', await reactor());
    await publish(file);
    await person.file('wafer.yaml', 'grants: { random: true }');
    const run = await publish(file);
    expect(run).toMatchObject({ exit: 5 });
    expect(run.stderr).toMatch(/asking for other grants/);
  });
});

describe('a server that is hostile, or was stolen', () => {
  beforeEach(async () => {
    for (const salt of ['1', '2', '3'])
      await person.wafer(
        'publish',
        await person.file('a.wasm', await reactor([], salt)),
        '--app',
        'demo',
        '--version',
        `0.${salt}.0`,
      );
  });

  /** Tries to publish; tells how it ended and how many releases were signed and sent. */
  async function attempt() {
    const signed = () => person.server.requests.filter((line) => line === 'POST /releases').length;
    const before = signed();
    const { exit, stderr } = await publish(await person.file('b.wasm', await reactor([], 'new')));
    return { exit, stderr, signed: signed() - before };
  }

  const distrusted = (reason: RegExp) => ({
    exit: 4,
    stderr: expect.stringMatching(
      new RegExp(`^error trust\\.signature-invalid: .*${reason.source}`),
    ) as string,
    signed: 0,
  });

  it('cannot have a target of its own signed into an app', async () => {
    const latest = person.server.latest('demo');
    const foreign = { 'demo/9.9.9/x.wasm': { length: 1, hashes: { sha256: 'f'.repeat(64) } } };
    const forged = { ...latest.signed, targets: { ...(latest.signed['targets'] as object), ...foreign } };
    person.server.roles.get('demo')?.push({ ...latest, signed: forged });
    expect(await attempt()).toEqual(distrusted(/"demo".*not by the key that must sign it/));
  });

  it('cannot have a key of its own delegated to', async () => {
    const { keyId, publicHex, signDocument, tufKey } = await import('@wafer/protocol');
    const thief = person.server.keys.director;
    const targets = structuredClone(person.server.latest('targets').signed);
    const delegations = targets['delegations'] as { keys: object; roles: { keyids: string[] }[] };
    const hex = publicHex(thief);
    Object.assign(delegations.keys, { [keyId(hex)]: tufKey(hex) });
    delegations.roles[0]!.keyids = [keyId(hex)];
    person.server.roles.get('targets')?.push(signDocument(targets, thief));
    expect(await attempt()).toEqual(distrusted(/"targets".*not by the key/));
  });

  it('cannot roll the publisher back to older metadata that is genuine', async () => {
    person.server.roles.get('demo')?.pop();
    expect(await attempt()).toEqual(distrusted(/version 2, but version 3 was seen before/));
  });

  it("cannot pass one app's role off as another's", async () => {
    await person.wafer(
      'publish',
      await person.file('c.wasm', await reactor([], 'c')),
      '--app',
      'other',
      '--version',
      '1.0.0',
    );
    person.server.roles.set('demo', person.server.roles.get('other') ?? []);
    expect(await attempt()).toEqual(distrusted(/"demo".*not by the key/));
  });

  it('cannot make it sign what is no metadata', async () => {
    person.server.roles.set('demo', [{ signed: { _type: 'targets', version: 'one' }, signatures: [] }]);
    expect(await attempt()).toEqual(distrusted(/not well-formed/));
  });
});

describe('without the right keys', () => {
  it('says where they would have to be', async () => {
    const file = await person.file('a.wasm', await reactor());
    const run = await publish(file, '--keys', 'nowhere');
    expect(run).toMatchObject({ exit: 2 });
    expect(run.stderr).toMatch(
      /^error cli\.keys-missing: .*nowhere holds no root\.json: run wafer keys init/,
    );
  });

  it('publishes no app that another publisher made', async () => {
    const file = await person.file('a.wasm', await reactor([], 'a'));
    await publish(file, '--no-channel');
    await rm(join(person.folder, 'wafer-keys/app-demo.pem'));
    await person.file('a.wasm', await reactor([], 'b'));
    const run = await person.wafer('publish', file, '--app', 'demo', '--version', '2.0.0');
    expect(run).toMatchObject({ exit: 2 });
    expect(run.stderr).toMatch(/holds 0 of the 1 keys that sign for app demo/);
  });

  it('does not take a damaged memory of versions for an empty one', async () => {
    await writeFile(join(person.folder, 'wafer-keys/seen.json'), '{"targets":');
    const run = await publish(await person.file('a.wasm', await reactor()));
    expect(run.stderr).toMatch(/^error cli\.keys-missing: .*seen\.json is damaged/);
  });
});

describe('exit codes', () => {
  it('exist for every error, and only success is 0', () => {
    for (const code of Object.keys(ERRORS) as (keyof typeof ERRORS)[])
      expect(
        Object.values(EXIT_CODES)
          .map((each) => each.code as number)
          .slice(1),
      ).toContain(exitOf(code));
  });
});
