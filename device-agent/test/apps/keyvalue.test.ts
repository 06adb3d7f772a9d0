/** Guests and their key-value stores: real components, real isolates, real files. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AppName, type Grants } from '@wafer/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { disk } from '../../src/capabilities/keyvalue/disk.ts';
import { Store } from '../../src/capabilities/keyvalue/store.ts';
import { Board, faultOf, PUPPET, specOf, TALK } from './harness.ts';

let board: Board;
beforeAll(async () => {
  board = new Board(2);
  await board.prepare();
}, 60_000);
afterAll(() => board.close());
beforeEach(async () => {
  await board.runtime.stop(PUPPET);
  board.forget();
});

let last = 0;
/** An app that no other test has used, so that its store is empty. */
const freshApp = (): string => `puppet-${(last += 1)}`;

const holding = (maxBytes = 65_536, store = 'default'): Grants => ({
  ...TALK,
  keyvalue: [{ store, maxBytes }],
});
const fileOf = (app: string): string => join(board.folder, 'stores', app, 'default.kv');
const faults = () => board.told.faults.map(({ fault }) => [fault.kind, fault.subject]);

describe('a guest with a store', () => {
  it('sets, gets, lists and deletes', async () => {
    const app = freshApp();
    await board.install({ app, grants: holding() });
    expect(await board.ask('kv-get', { key: 'a' }, app)).toEqual({ ok: null });
    expect(await board.ask('kv-set', { key: 'a', text: 'one' }, app)).toEqual({ ok: null });
    expect(await board.ask('kv-set', { key: 'b', text: 'two' }, app)).toEqual({ ok: null });
    expect(await board.ask('kv-get', { key: 'a' }, app)).toEqual({ ok: 'one' });
    expect(await board.ask('kv-exists', { key: 'b' }, app)).toEqual({ ok: true });
    await board.ask('kv-delete', { key: 'b' }, app);
    expect(await board.ask('kv-exists', { key: 'b' }, app)).toEqual({ ok: false });
    expect(await board.ask('kv-list', undefined, app)).toEqual({ ok: ['a'] });
    expect(faults()).toEqual([]);
  });

  it('has a key of sensible length', async () => {
    const app = freshApp();
    await board.install({ app, grants: holding() });
    for (const key of ['', 'x'.repeat(513), 'é'.repeat(257)]) {
      expect(await board.ask('kv-set', { key, text: '' }, app)).toMatchObject({ error: { tag: 'other' } });
    }
    expect(await board.ask('kv-set', { key: 'x'.repeat(512), text: '' }, app)).toEqual({ ok: null });
  });

  it('finds it again after its trap, after its end by force, and after its stop', async () => {
    const app = freshApp();
    await board.install({ app, grants: holding() });
    await board.ask('kv-set', { key: 'a', text: 'one' }, app);
    await faultOf(board.deliver('exit', { status: 'err' }, app));
    expect(await board.ask('kv-get', { key: 'a' }, app)).toEqual({ ok: 'one' });
    await faultOf(board.deliver('spin', {}, app));
    expect(await board.ask('kv-get', { key: 'a' }, app)).toEqual({ ok: 'one' });
    await board.runtime.stop(specOf((await board.prepare()).digest, { app }).app);
    await board.install({ app, grants: holding() });
    expect(await board.ask('kv-get', { key: 'a' }, app)).toEqual({ ok: 'one' });
  });
});

it('a store outlives the agent', async () => {
  const [before, after] = [new Board(), new Board()];
  try {
    await before.install({ grants: holding() });
    await before.ask('kv-set', { key: 'a', text: 'one' });
    await before.runtime.close();
    cpSync(join(before.folder, 'stores'), join(after.folder, 'stores'), { recursive: true });
    await after.install({ grants: holding() });
    expect(await after.ask('kv-get', { key: 'a' })).toEqual({ ok: 'one' });
  } finally {
    await Promise.all([before.close(), after.close()]);
  }
});

describe('a store that was not granted', () => {
  it('is denied to the guest, and told on by name', async () => {
    const app = freshApp();
    await board.install({ app, grants: holding() });
    for (const store of ['other', '', '../puppet/default', 'default.kv', '__proto__']) {
      expect(await board.ask('kv-open', { store }, app)).toEqual({ error: { tag: 'access-denied' } });
    }
    expect(faults()).toContainEqual(['capability-denied', 'keyvalue other']);
    expect(faults()).toContainEqual(['capability-denied', 'keyvalue ../puppet/default']);
  });

  it('is not there at all without any such grant', async () => {
    const app = freshApp();
    await board.install({ app });
    const fault = await faultOf(board.deliver('kv-get', { key: 'a' }, app));
    expect(fault).toMatchObject({ kind: 'capability-denied' });
    expect(fault.subject).toContain('wasi:keyvalue/store');
    expect(existsSync(fileOf(app))).toBe(false);
  });
});

describe("another app's store", () => {
  it('is not reached by a grant of the same name', async () => {
    const [one, two] = [freshApp(), freshApp()];
    await board.install({ app: one, grants: holding() });
    await board.install({ app: two, grants: holding() });
    await board.ask('kv-set', { key: 'secret', text: 'of one' }, one);
    await board.ask('kv-set', { key: 'mine', text: 'of two' }, two);
    expect(await board.ask('kv-list', undefined, two)).toEqual({ ok: ['mine'] });
    expect(await board.ask('kv-get', { key: 'secret' }, two)).toEqual({ ok: null });
    expect(await board.ask('kv-list', undefined, one)).toEqual({ ok: ['secret'] });
  });
});

describe('the quota', () => {
  it('answers the guest with an error and is a fault that names the store', async () => {
    const app = freshApp();
    await board.install({ app, grants: holding(100) });
    expect(await board.ask('kv-set', { key: 'a', text: 'x'.repeat(99) }, app)).toEqual({ ok: null });
    for (const text of ['', 'x'.repeat(100), 'x'.repeat(101)]) {
      const answer = await board.ask('kv-set', { key: 'b', text }, app);
      expect(answer).toMatchObject({ error: { tag: 'other', val: expect.stringContaining('quota') } });
    }
    const full = ['store-limit', 'keyvalue default (100 bytes)'];
    expect(faults()).toEqual([full, full, full]);
    expect(board.runtime.health().find((one) => one.app === app)?.usage).toMatchObject({ storeBytes: 100 });
    expect(await board.ask('kv-list', undefined, app)).toEqual({ ok: ['a'] });
  });

  it('holds against a flood of a million keys, and neither the agent nor a neighbour waits for it', async () => {
    const [flooder, neighbour] = [freshApp(), freshApp()];
    await board.install({ app: flooder, grants: holding(2000), limits: { deadlineMs: 4000 } });
    await board.install({ app: neighbour, grants: TALK });
    const flood = board.deliver('kv-flood', { times: 1_000_000 }, flooder).then(
      () => 'ended',
      () => 'was ended',
    );
    let isOver = false;
    void flood.then(() => (isOver = true));
    let answered = 0;
    while (!isOver) {
      await board.ask('count', undefined, neighbour);
      answered += 1;
      await pause(20);
    }
    expect(answered).toBeGreaterThan(20);
    expect(statSync(fileOf(flooder)).size).toBeLessThan(40_000);
    expect(await board.ask('kv-exists', { key: 'key-0' }, flooder)).toEqual({ ok: true });
    expect(faults()).toContainEqual(
      (await flood) === 'ended' ? ['store-limit', 'keyvalue default (2000 bytes)'] : ['deadline', '4000 ms'],
    );
  }, 60_000);
});

describe('two instances of an app in a swap', () => {
  it('share the store: nothing acknowledged is lost, no step is counted twice', async () => {
    const app = freshApp();
    const release = (version: string) =>
      board.install({ app, version, grants: holding(), config: { release: version }, exports: STATELESS });
    await release('1.0.0');
    let isOver = false;
    const steps: { next: number; release: string }[] = [];
    const calling = (async () => {
      while (!isOver) steps.push((await board.ask('kv-step', { key: 'steps' }, app)) as (typeof steps)[0]);
    })();
    await pause(50);
    await release('2.0.0');
    await pause(50);
    await board.runtime.rollback(specOf((await board.prepare()).digest, { app }).app);
    await pause(50);
    isOver = true;
    await calling;
    expect(steps.map(({ next }) => next)).toEqual(steps.map((_, index) => index + 1));
    expect(steps.map((step) => step.release).filter((one, index, all) => one !== all[index - 1])).toEqual([
      '1.0.0',
      '2.0.0',
      '1.0.0',
    ]);
    const store = new Store(fileOf(app), disk);
    expect(Buffer.from(store.get('steps')!).toString()).toBe(`${steps.length}`);
    store.close();
  });

  it('keep it whole while one of them is ended in the middle of its writes, again and again', async () => {
    const app = freshApp();
    const neighbour = freshApp();
    const parts = { app, grants: holding(), limits: { deadlineMs: 150 } };
    await board.install(parts);
    await board.install({ app: neighbour, grants: holding() });
    for (let round = 1; round <= 3; round += 1) {
      await board.ask('kv-set', { key: `round-${round}`, text: 'kept' }, app);
      const fault = await faultOf(board.deliver('kv-flood', { times: 1_000_000 }, app));
      expect(fault.kind).toBe('deadline');
      expect(await board.ask('kv-set', { key: 'a', text: 'b' }, neighbour)).toEqual({ ok: null });
      await pause(300);
      expect(await board.ask('kv-get', { key: `round-${round}` }, app)).toEqual({ ok: 'kept' });
    }
  }, 60_000);
});

const STATELESS = [
  'wafer:app/lifecycle@0.1.0',
  'wafer:app/health@0.1.0',
  'wasi:messaging/incoming-handler@0.2.0-draft',
];

describe('what a store holds', () => {
  it('is told of whoever has it, and from the start', async () => {
    const app = freshApp();
    const held = () => board.runtime.health().find((one) => one.app === app)?.usage?.storeBytes;
    await board.install({ app, grants: holding() });
    expect(held()).toBe(0);
    await board.ask('kv-set', { key: 'ab', text: 'x'.repeat(98) }, app);
    await board.ask('kv-set', { key: 'cd', text: '' }, app);
    expect(held()).toBe(102);
    await board.ask('kv-delete', { key: 'cd' }, app);
    expect(held()).toBe(100);
    await board.runtime.stop(AppName.parse(app));
    await board.install({ app, grants: holding() });
    await vi.waitFor(() => expect(held()).toBe(100));
  });

  it('is not held open for a guest that is gone', async () => {
    const app = freshApp();
    const isOpen = () =>
      readdirSync('/proc/self/fd').some((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === fileOf(app);
        } catch {
          return false;
        }
      });
    await board.install({ app, grants: holding(), limits: { deadlineMs: 300 } });
    await board.ask('kv-set', { key: 'a', text: 'b' }, app);
    expect(isOpen()).toBe(true);
    await faultOf(board.deliver('spin', undefined, app));
    expect(await board.ask('kv-get', { key: 'a' }, app)).toEqual({ ok: 'b' });
    await board.runtime.stop(AppName.parse(app));
    await vi.waitFor(() => expect(isOpen()).toBe(false));
  });
});

describe('a store that is damaged', () => {
  it('fails each use with a fault that names it, and its file stays for whoever can mend it', async () => {
    const app = freshApp();
    mkdirSync(join(board.folder, 'stores', app), { recursive: true });
    writeFileSync(fileOf(app), 'not a store at all');
    await board.install({ app, grants: holding() });
    expect(await board.ask('kv-get', { key: 'a' }, app)).toEqual({
      error: { tag: 'other', val: 'the store failed' },
    });
    expect(faults()).toEqual([['disk', 'keyvalue default']]);
    expect(readFileSync(fileOf(app), 'utf8')).toBe('not a store at all');
    expect(readdirSync(join(board.folder, 'stores', app))).toEqual(['default.kv']);
  });
});
