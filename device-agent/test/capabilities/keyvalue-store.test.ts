/** The store itself: on real files, with a real kill. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { disk, type Disk } from '../../src/capabilities/keyvalue/disk.ts';
import { DamagedStore } from '../../src/capabilities/keyvalue/records.ts';
import { MAX_KEYS, OverQuota, Store } from '../../src/capabilities/keyvalue/store.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wafer-store-'));
  path = join(folder, 'app/default.kv');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const QUOTA = 65_536;
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString();

/** All that a store holds. */
function contents(store: Store): Record<string, string> {
  const { keys } = store.list(undefined);
  return Object.fromEntries(keys.map((key) => [key, text(store.get(key)) ?? '']));
}

function reopened(store: Store): Store {
  store.close();
  return new Store(path, disk);
}

/** A disk that does not flush, for tests that are not about that. */
const quick: Disk = { ...disk, sync: () => undefined };

describe('a store', () => {
  it('holds what was set, without what was deleted, after it was opened again', () => {
    const store = new Store(path, disk);
    store.set('a', bytes('one'), QUOTA);
    store.set('b', bytes('two'), QUOTA);
    store.set('ключ', bytes(''), QUOTA);
    store.set('a', bytes('three'), QUOTA);
    store.delete('b');
    store.delete('never there');
    expect(contents(reopened(store))).toEqual({ a: 'three', ключ: '' });
  });

  it('answers keys page by page, each once, whatever comes and goes meanwhile', () => {
    const store = new Store(path, quick);
    for (let index = 0; index < 600; index += 1) store.set(`key-${1000 + index}`, bytes(''), QUOTA);
    const keys: string[] = [];
    let cursor: string | undefined;
    do {
      const page = store.list(cursor);
      keys.push(...page.keys);
      cursor = page.cursor;
      if (cursor !== undefined) store.delete(cursor);
      store.set('a-new-one', bytes(''), QUOTA);
    } while (cursor !== undefined);
    expect(keys).toEqual(Array.from({ length: 600 }, (_, index) => `key-${1000 + index}`));
  });

  it('is bounded by its quota, which counts keys and values, and can be emptied when over', () => {
    const store = new Store(path, disk);
    store.set('key', bytes('1234567'), 10);
    expect(() => store.set('k', bytes(''), 10)).toThrow(OverQuota);
    expect(() => store.set('key', bytes('12345678'), 10)).toThrow(OverQuota);
    store.set('key', bytes('123456'), 5);
    store.set('key', bytes(''), 5);
    store.set('k', bytes('x'), 5);
    expect(contents(reopened(store))).toEqual({ k: 'x', key: '' });
  });

  it('keeps a million keys out: no more of them than it may hold, and a file to match', () => {
    const store = new Store(path, quick);
    let refused = 0;
    for (let index = 0; index < 1_000_000; index += 1) {
      try {
        store.set(`${index}`, bytes(''), 16 * 1024 * 1024);
      } catch (error) {
        if (error instanceof OverQuota) refused += 1;
      }
    }
    expect(refused).toBe(1_000_000 - MAX_KEYS);
    expect(statSync(path).size).toBeLessThan(MAX_KEYS * 40);
  });

  it('does not grow on disk while the same keys are set again and again', () => {
    const store = new Store(path, quick);
    for (let step = 0; step < 5000; step += 1)
      store.set(`key-${step % 5}`, bytes(`${step}`.repeat(20)), QUOTA);
    expect(statSync(path).size).toBeLessThan(32 * 1024);
    expect(contents(reopened(store))['key-4']).toBe('4999'.repeat(20));
    expect(readdirSync(join(folder, 'app'))).toEqual(['default.kv']);
  });
});

describe('after a power cut', () => {
  it('a record that was torn at any byte is gone, and all before it is there', () => {
    const store = new Store(path, disk);
    store.set('kept', bytes('value'), QUOTA);
    const whole = readFileSync(path);
    // A value that looks like a store's file from within.
    store.set('torn', Uint8Array.from(whole), QUOTA);
    store.close();
    const longer = readFileSync(path);
    for (let length = whole.length; length < longer.length; length += 1) {
      writeFileSync(path, longer.subarray(0, length));
      const opened = new Store(path, quick);
      expect(opened.list(undefined).keys).toEqual(['kept']);
      opened.set('next', bytes('after'), QUOTA);
      expect(contents(reopened(opened))).toEqual({ kept: 'value', next: 'after' });
    }
  });

  it('a tail of rubbish is cut off', () => {
    const store = new Store(path, disk);
    store.set('kept', bytes('value'), QUOTA);
    store.close();
    appendFileSync(path, Buffer.alloc(5000, 0xab));
    expect(contents(new Store(path, disk))).toEqual({ kept: 'value' });
  });

  it('damage before the end is told, and nothing of the file is thrown away', () => {
    const store = new Store(path, disk);
    store.set('a', bytes('first value'), QUOTA);
    store.set('b', bytes('second value'), QUOTA);
    store.close();
    const damaged = readFileSync(path);
    damaged[damaged.indexOf('first')]! ^= 1;
    writeFileSync(path, damaged);
    expect(() => new Store(path, disk)).toThrow(DamagedStore);
    expect(readFileSync(path)).toEqual(damaged);
  });
});

describe('kill -9', () => {
  /** What the child's first `steps` steps leave behind. */
  function after(steps: number): Record<string, number> {
    const held: Record<string, number> = {};
    for (let step = 1; step <= steps; step += 1) {
      if (step % 4 === 0) delete held[`key-${step % 3}`];
      else held[`key-${step % 3}`] = step;
    }
    return held;
  }

  function heldIn(store: Store): Record<string, number> {
    const { keys } = store.list(undefined);
    return Object.fromEntries(keys.map((key) => [key, store.get(key)![0]!]));
  }

  it.each(['before', 'midway'])(
    'at each write, flush and rename (%s) loses nothing that was acknowledged',
    (when) => {
      const child = fileURLToPath(new URL('./write-until-killed.ts', import.meta.url));
      let hasFinished = false;
      for (let fatal = 1; !hasFinished; fatal += 1) {
        const home = join(folder, `${fatal}`);
        const { stdout, stderr } = spawnSync(process.execPath, [child, home, `${fatal}`, when], {
          encoding: 'utf8',
        });
        expect(stderr).toBe('');
        hasFinished = stdout.endsWith('end\n');
        const acknowledged = stdout.split('\n').filter((line) => line !== '').length;
        const steps = hasFinished ? 12 : acknowledged;
        const store = new Store(join(home, 'app/default.kv'), disk);
        // The step that was under way may be there as well: it was begun, and not promised.
        expect([after(steps), after(Math.min(steps + 1, 12))]).toContainEqual(heldIn(store));
        store.set('life', bytes('goes on'), QUOTA);
        store.close();
        if (hasFinished) expect(fatal).toBeGreaterThan(30);
      }
    },
    60_000,
  );
});

describe('a disk that fails', () => {
  const full = (): never => {
    throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
  };

  it('midway in a write, or in a flush, costs that change alone', () => {
    let isFailing = false;
    const flaky: Disk = {
      ...disk,
      write: (file, record) => {
        disk.write(file, isFailing ? record.subarray(0, 9) : record);
        if (isFailing) full();
      },
      sync: (file) => (isFailing ? full() : disk.sync(file)),
    };
    const store = new Store(path, flaky);
    store.set('a', bytes('one'), QUOTA);
    isFailing = true;
    expect(() => store.set('a', bytes('two'), QUOTA)).toThrow('no space left');
    expect(() => store.set('b', bytes('two'), QUOTA)).toThrow('no space left');
    expect(contents(store)).toEqual({ a: 'one' });
    isFailing = false;
    store.set('c', bytes('three'), QUOTA);
    expect(contents(reopened(store))).toEqual({ a: 'one', c: 'three' });
  });
});
